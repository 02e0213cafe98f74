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
internal sealed class RecordingWriter(Connection connection, PublicationFormat? format = null) : ISessionWriter, ICallWriter
{
    private string? _failsAt;

    public Connection Connection { get; } = connection;

    public PublicationFormat Format => format ?? TestFormats.Json;

    public string Dialect => "recording";

    public ICallWriter Calls => this;

    /// <summary>The places that subscribes were told, in order.</summary>
    public List<(uint Number, StreamPosition Position)> Positions { get; } = [];

    /// <summary>Everything said, in order; <see cref="Done"/> is counted instead.</summary>
    public List<string> Sent { get; } = [];

    /// <summary>Bytes of commands that are no longer under way.</summary>
    public int BytesDone { get; private set; }

    /// <summary>What the last connect was told.</summary>
    public string ClientNotified { get; private set; } = "";

    /// <summary>Throws whenever this is about to be sent.</summary>
    public RecordingWriter FailAt(string sent)
    {
        _failsAt = sent;
        return this;
    }

    public void Connected(uint id, in Admission admission)
    {
        ClientNotified = admission.Client;
        Send($"connected {id}");
    }

    public void Subscribed(uint id, Subscription subscription, in SubscribeResult result)
    {
        Positions.Add((result.Number, result.Position));
        Send($"subscribed {id}");
    }

    public void Unsubscribed(uint id, uint number) => Send($"unsubscribed {id}");

    public void Published(uint id, int receivers, StreamPosition position) => Send($"published {id}");

    public void Failed(uint id, int index, HubError error) => Send($"failed {id} {CentrifugeCodes.CodeOf(error).Code}");

    public void Returned(uint id, ReadOnlyMemory<byte> result) => Send($"returned {id} {System.Text.Encoding.UTF8.GetString(result.Span)}");

    public void Faulted(uint id, FaultCode code, string text) => Send($"faulted {id} {code}");

    public void Evicted(Subscription subscription, UnsubscribeReason reason) =>
        Send($"evicted {subscription.Channel} {CentrifugeCodes.CodeOf(reason).Code}");

    public void Disconnect(DisconnectReason reason) => Send($"disconnect {CentrifugeCodes.CodeOf(reason).Code}");

    public void CloseByClient() => Send($"closed by client");

    public void Pause() => Send($"paused");

    public void Resume() => Send($"resumed");

    public void Done(int bytes) => BytesDone += bytes;

    private void Send(FormattableString sent)
    {
        string line = sent.ToString(CultureInfo.InvariantCulture);
        if (line == _failsAt) throw new InvalidOperationException("The writer of the test fails.");
        Sent.Add(line);
    }
}
