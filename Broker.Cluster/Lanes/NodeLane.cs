using System.Buffers.Binary;
using Broker.Actors.Channels.Home;
using Broker.Cluster.Links;
using Broker.Cluster.Membership;
using Broker.Cluster.Protocol.Members;
using Broker.Reactor.Loops;

namespace Broker.Cluster.Lanes;

/// <summary>One connection of one lane to another node, on one loop of the hub: whatever is sent in a turn leaves in one write.</summary>
/// <remarks>
/// Frames as on every link; what they hold:
/// <code>
/// 60 message    partition u16, then the bytes of the message
/// 61 heartbeat  nothing
/// 62 call       its number u64, then what is asked of the node
/// 63 answer     the call's number u64, then the answer
/// 64 state      what the node tells of itself and of homes
/// 65 shared     what all nodes are to know beside that; the application reads it
/// </code>
/// What is received is a prefix of what was sent on this connection.
/// </remarks>
internal sealed class NodeLane : IByteHandler, ILinkFrameSink, INodeLane
{
    internal const byte MessageKind = 60;
    internal const byte HeartbeatKind = 61;
    internal const byte CallKind = 62;
    internal const byte AnswerKind = 63;
    internal const byte StateKind = 64;
    internal const byte SharedKind = 65;

    private const int PartitionBytes = 2;
    private const int WaitingBytesMax = 16 * 1024 * 1024;       // Of what must not be dropped: beyond it the lane ends.
    private const int DroppableBytesMax = 12 * 1024 * 1024;     // Of deliveries: beyond it they are dropped.

    private static readonly byte[] s_heartbeat = LinkFrames.Make((LinkFrameKind)HeartbeatKind, []);

    private readonly LaneOwner _owner;
    private readonly Connection _connection;
    private readonly LinkFrameReader _reader;
    private readonly LaneCounters _counters;
    private readonly List<(int Partition, byte[] Bytes)>?[] _arrived;      // Of the read under way, by the number of the relay.
    private int _posted;            // Bytes that wait for the loop; from any thread.
    private volatile bool _ended;

    internal NodeLane(LaneOwner owner, Connection connection, NodeName node, LaneCounters counters, int messageBytesMax, int relays)
    {
        _owner = owner;
        _connection = connection;
        Node = node.ToString();
        Member = new MemberId(NodeNames.HashOf(node));
        _counters = counters;
        _reader = new LinkFrameReader { FrameBytesMax = messageBytesMax };
        _arrived = new List<(int Partition, byte[] Bytes)>?[relays];
        QueueBytesMax = WaitingBytesMax + messageBytesMax;
    }

    /// <inheritdoc />
    public string Node { get; }

    /// <summary>The other node.</summary>
    internal MemberId Member { get; }

    /// <inheritdoc />
    public int QueueBytesMax { get; }

    /// <inheritdoc />
    public TimeSpan BlockedLimit => TimeSpan.FromSeconds(5);

    /// <summary>Bytes that wait to leave. From any thread, and about.</summary>
    internal int WaitingBytes => Volatile.Read(ref _posted) + _connection.QueuedBytes;

    /// <summary>Whether anything has arrived since this was last asked. From any thread.</summary>
    internal bool TakeReceived() => Interlocked.Exchange(ref _received, 0) != 0;

    private int _received;

    /// <inheritdoc />
    public bool Send(int partition, byte[] message, bool mayDrop = false)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (_ended) return false;
        if (mayDrop && WaitingBytes > DroppableBytesMax)
        {
            _counters.OnDropped();
            return true;
        }

        if (EventLoop.Current == _connection.Loop && Volatile.Read(ref _posted) == 0)
        {
            Write(partition, message);
            return true;
        }

        Interlocked.Add(ref _posted, message.Length);
        _connection.Loop.Post(static state => ((Action)state)(), () =>
        {
            Interlocked.Add(ref _posted, -message.Length);
            Write(partition, message);
        });
        return true;
    }

    private void Write(int partition, byte[] message)
    {
        Span<byte> head = stackalloc byte[LinkFrames.HeadBytes + PartitionBytes];
        LinkFrames.WriteHead(head, (LinkFrameKind)MessageKind, message.Length + PartitionBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(head[LinkFrames.HeadBytes..], (ushort)partition);
        _connection.Write(head);
        _connection.Write(message);
        _counters.OnSent(message.Length);
    }

    /// <summary>Sends a call or its answer. From any thread.</summary>
    internal bool Send(byte kind, ulong call, byte[] bytes)
    {
        if (_ended) return false;
        byte[] payload = [.. BitConverter.GetBytes(call), .. bytes];
        byte[] frame = LinkFrames.Make((LinkFrameKind)kind, payload);
        _connection.Loop.Post(static state => ((Action)state)(), () => _connection.Write(frame));
        return true;
    }

    /// <summary>Sends what this node tells of itself. From any thread.</summary>
    internal void SendState(byte[] state) => Send(StateKind, state);

    /// <summary>Sends what all nodes are to know. From any thread.</summary>
    internal void SendShared(byte[] shared) => Send(SharedKind, shared);

    private void Send(byte kind, byte[] payload)
    {
        byte[] frame = LinkFrames.Make((LinkFrameKind)kind, payload);
        _connection.Loop.Post(static write => ((Action)write)(), () => _connection.Write(frame));
    }

    /// <summary>Tells the other side that this one lives. From any thread.</summary>
    internal void Beat() => _connection.Loop.Post(static state => ((Connection)state).Write(s_heartbeat), _connection);

    /// <inheritdoc />
    public void Close(string reason) =>
        _connection.Loop.Post(static state => ((Action)state)(), () => _connection.Abort(ClosureCause.ClosedByServer, reason));

    /// <inheritdoc />
    public void OnBytes(ReadOnlySpan<byte> bytes)
    {
        Volatile.Write(ref _received, 1);
        string? fault = _reader.Read(bytes, this);
        for (int relay = 0; relay < _arrived.Length; relay++)
        {
            if (_arrived[relay] is not { } messages) continue;
            _arrived[relay] = null;
            _owner.Arrived(relay, new NodeEvents.Arrived(this, messages));
        }

        if (fault is not null) _connection.Abort(ClosureCause.Violation, $"The other node sent {fault}.");
    }

    /// <inheritdoc />
    public bool OnFrame(byte kind, ReadOnlySpan<byte> payload)
    {
        if (kind == HeartbeatKind) return true;
        if (kind == StateKind)
        {
            _owner.OnState(this, payload.ToArray());
            return true;
        }

        if (kind == SharedKind)
        {
            _owner.OnShared(payload.ToArray());
            return true;
        }

        if (kind is CallKind or AnswerKind && payload.Length >= sizeof(ulong))
        {
            ulong call = BinaryPrimitives.ReadUInt64LittleEndian(payload);
            if (kind == CallKind) _owner.OnCall(this, call, payload[sizeof(ulong)..].ToArray());
            else _owner.OnAnswer(this, call, payload[sizeof(ulong)..].ToArray());
            return true;
        }

        int partition = payload.Length >= PartitionBytes ? BinaryPrimitives.ReadUInt16LittleEndian(payload) : int.MaxValue;
        if (kind != MessageKind || partition >= _owner.Partitions)
        {
            _connection.Abort(ClosureCause.Violation, $"The other node sent a frame of kind {kind} that this one does not know.");
            return false;
        }

        _counters.OnReceived(payload.Length - PartitionBytes);
        (_arrived[partition % _arrived.Length] ??= []).Add((partition, payload[PartitionBytes..].ToArray()));
        return true;
    }

    /// <inheritdoc />
    public void OnDeadline()
    {
    }

    /// <inheritdoc />
    public void OnEnded(Closure closure)
    {
        ArgumentNullException.ThrowIfNull(closure);
        _ended = true;
        _owner.Ended(this, closure.Reason);
    }
}
