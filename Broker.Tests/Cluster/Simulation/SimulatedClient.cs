using Broker.Cluster.Protocol.Log;

namespace Broker.Tests.Cluster.Simulation;

/// <summary>A client that listens to one channel, moves from node to node, and recovers each time.</summary>
internal sealed class SimulatedClient
{
    private readonly SimulatedWorld _world;
    private readonly int _number;
    private readonly Dictionary<string, TimeSpan> _ends = [];
    private int _connection;
    private bool _isAnswered;
    private ChannelPosition? _asked;
    private ChannelPosition _highestWhenAsked;

    internal SimulatedClient(SimulatedWorld world, int number)
    {
        _world = world;
        _number = number;
        int partition = number % world.Options.Partitions;
        IReadOnlyList<string> channels = SimulatedWorld.ChannelsOf(partition);
        Channel = channels[number / world.Options.Partitions % channels.Count];
        world.After(1 + world.Seconds(0, 1), Connect);
    }

    internal string Channel { get; }

    internal ulong Request { get; set; }

    internal SimulatedNode? Node { get; private set; }

    internal int Connection => _connection;

    internal bool IsListening => Node is not null && _isAnswered;

    /// <summary>Of the last publication that it was given, or that it was told to go on from.</summary>
    internal ChannelPosition? Position { get; private set; }

    public override string ToString() => $"client {_number}";

    /// <summary>When the node of a connection ended with the connection on it; null if it did not.</summary>
    internal TimeSpan? EndOf(string name) => _ends.TryGetValue(name, out TimeSpan at) ? at : null;

    internal string NameOf(int connection) => $"{_number}.{connection}";

    internal void OnNodeEnded(SimulatedNode node)
    {
        if (Node != node) return;
        Node = null;
        _ends[NameOf(_connection)] = _world.Now;
        _world.After(_world.Seconds(0.3, 2), Connect);
    }

    /// <summary>Its subscribe is answered.</summary>
    /// <returns>False if it has gone meanwhile.</returns>
    internal bool OnSubscribed(
        SimulatedNode node, int connection, ChannelPosition position, bool isRecovered, IReadOnlyList<LogEntry> missed, bool isByHome)
    {
        if (Node != node || connection != _connection) return false;
        _isAnswered = true;
        _world.Count(isRecovered ? "recovered" : _asked is null ? "subscribed" : "not recovered");
        _world.Checker.CheckRecovery(this, _asked, isByHome ? _highestWhenAsked : default, position, isRecovered, missed);
        if (isRecovered)
        {
            foreach (LogEntry each in missed) OnPublication(each);
        }

        Position = position;
        return true;
    }

    internal void OnPublication(LogEntry entry)
    {
        _world.Count("received");
        _world.Checker.CheckReceived(this, Position, entry);
        Position = new ChannelPosition(entry.Epoch, entry.Offset);
    }

    internal void OnGap(ChannelPosition position)
    {
        _world.Count("gaps told");
        Position = position;
    }

    private void Connect()
    {
        if (Node is not null) return;
        Node = _world.PickNode();
        if (Node is null)
        {
            _world.After(0.5, Connect);
            return;
        }

        int connection = ++_connection;
        _isAnswered = false;
        _asked = _world.Chance(0.9) ? Position : null;
        if (_asked is null) Position = null;
        _highestWhenAsked = _world.Checker.HighestOf(Channel, _asked?.Epoch ?? 0);
        Node.Subscribe(this, connection, Channel, _asked);
        if (_world.Now < _world.Options.Length - TimeSpan.FromSeconds(20)) _world.After(_world.Seconds(2, 12), () => Move(connection));
    }

    private void Move(int connection)
    {
        if (Node is null || connection != _connection) return;
        SimulatedNode before = Node;
        Node = null;
        before.Unsubscribe(this, connection, Channel, Request);
        _world.After(_world.Seconds(0, 2), Connect);
    }
}
