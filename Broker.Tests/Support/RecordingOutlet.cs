using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using System.Globalization;
using Broker.Dialects.Centrifuge;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Tests.Support;

/// <summary>A client that writes down what its session says, a line each.</summary>
internal sealed class RecordingOutlet(Connection connection, PublicationFormat? format = null) : ISessionWriter, ICallOutlet
{
    private string? _failsAt;

    public Connection Connection { get; } = connection;

    public PublicationFormat Format => format ?? TestFormats.Json;

    public string Dialect => "recording";

    public ICallOutlet Calls => this;

    /// <summary>The places that subscribes were told, in order.</summary>
    public List<(uint Number, StreamPosition Position)> Places { get; } = [];

    /// <summary>Everything said, in order; <see cref="Done"/> is counted instead.</summary>
    public List<string> Said { get; } = [];

    /// <summary>Bytes of commands that are no longer under way.</summary>
    public int BytesDone { get; private set; }

    /// <summary>What the last connect was told.</summary>
    public string ClientTold { get; private set; } = "";

    /// <summary>Throws whenever this is about to be said.</summary>
    public RecordingOutlet FailAt(string said)
    {
        _failsAt = said;
        return this;
    }

    public void Connected(uint id, in Admission admission)
    {
        ClientTold = admission.Client;
        Say($"connected {id}");
    }

    public void Subscribed(uint id, Subscription subscription, in SubscribeResult result)
    {
        Places.Add((result.Number, result.Position));
        Say($"subscribed {id}");
    }

    public void Unsubscribed(uint id, uint number) => Say($"unsubscribed {id}");

    public void Published(uint id, int receivers, StreamPosition position) => Say($"published {id}");

    public void Failed(uint id, int index, HubError error) => Say($"failed {id} {CentrifugeCodes.CodeOf(error).Code}");

    public void Returned(uint id, ReadOnlyMemory<byte> result) => Say($"returned {id} {System.Text.Encoding.UTF8.GetString(result.Span)}");

    public void Faulted(uint id, FaultCode code, string text) => Say($"faulted {id} {code}");

    public void Evicted(Subscription subscription, UnsubscribeReason reason) => Say($"evicted {subscription.Channel} {CentrifugeCodes.CodeOf(reason).Code}");

    public void Disconnect(DisconnectReason reason) => Say($"disconnect {CentrifugeCodes.CodeOf(reason).Code}");

    public void CloseByClient() => Say($"closed by client");

    public void Pause() => Say($"paused");

    public void Resume() => Say($"resumed");

    public void Done(int bytes) => BytesDone += bytes;

    private void Say(FormattableString said)
    {
        string line = said.ToString(CultureInfo.InvariantCulture);
        if (line == _failsAt) throw new InvalidOperationException("The outlet of the test fails.");
        Said.Add(line);
    }
}
