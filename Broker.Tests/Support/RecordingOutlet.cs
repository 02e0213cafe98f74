using System.Globalization;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Core.Centrifuge;
using Broker.Core.Protocol.Messages;
using Broker.Reactor.Loops;
using Unsubscribed = Broker.Core.Centrifuge.Unsubscribed;

namespace Broker.Tests.Support;

/// <summary>A client that writes down what its session says, a line each.</summary>
internal sealed class RecordingOutlet(Connection connection, WireFormat format = WireFormat.Json) : ISessionOutlet, ICallOutlet
{
    private string? _failsAt;

    public Connection Connection { get; } = connection;

    public WireFormat Format => format;

    public ICallOutlet Calls => this;

    /// <summary>The places that subscribes were told, in order.</summary>
    public List<ChannelPlace> Places { get; } = [];

    /// <summary>Everything said, in order; <see cref="Done"/> is counted instead.</summary>
    public List<string> Said { get; } = [];

    /// <summary>Bytes of commands that are no longer under way.</summary>
    public int BytesDone { get; private set; }

    /// <summary>What the last connect was told.</summary>
    public string Client { get; private set; } = "";

    /// <summary>Throws whenever this is about to be said.</summary>
    public RecordingOutlet FailAt(string said)
    {
        _failsAt = said;
        return this;
    }

    public void Connected(uint id, string client)
    {
        Client = client;
        Say($"connected {id}");
    }

    public void Subscribed(uint id, string channel, ChannelPlace place)
    {
        Places.Add(place);
        Say($"subscribed {id}");
    }

    public void Unsubscribed(uint id, uint number) => Say($"unsubscribed {id}");

    public void Published(uint id, int receivers, ulong offset) => Say($"published {id}");

    public void Failed(uint id, int index, CentrifugeError error) => Say($"failed {id} {error.Code}");

    public void Returned(uint id, ReadOnlyMemory<byte> result) => Say($"returned {id} {System.Text.Encoding.UTF8.GetString(result.Span)}");

    public void Faulted(uint id, FaultCode code, string text) => Say($"faulted {id} {code}");

    public void Evicted(string channel, uint number, Unsubscribed why) => Say($"evicted {channel} {why.Code}");

    public void Disconnect(Disconnect why) => Say($"disconnect {why.Code}");

    public void Done(int bytes) => BytesDone += bytes;

    private void Say(FormattableString said)
    {
        string line = said.ToString(CultureInfo.InvariantCulture);
        if (line == _failsAt) throw new InvalidOperationException("The outlet of the test fails.");
        Said.Add(line);
    }
}
