using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Cluster.Protocol.Copies;

/// <summary>What is to be published.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Key">The idempotency key; empty for none.</param>
/// <param name="TimeMilliseconds">By the home's wall clock.</param>
/// <param name="KeepMax">How many publications the channel keeps; 0 without a limit.</param>
/// <param name="Data">The publication's bytes; owned by the entry from here on.</param>
public readonly record struct PublishCommand(string Channel, string Key, long TimeMilliseconds, int KeepMax, ReadOnlyMemory<byte> Data)
{
    internal int Bytes => 64 + Channel.Length + Key.Length + Data.Length;
}

/// <summary>
/// A home's publications that are not answered yet: those that wait for a place, and those in the log that wait for their copies.
/// </summary>
internal sealed class WaitingPublications(int partition, int bytesMax, IPartitionOutput output)
{
    private readonly Queue<(ulong Request, PublishCommand Command)> _unplaced = new();
    private readonly Queue<(ulong Request, ulong Sequence, PublishOutcome Outcome, ChannelPosition Position, int Bytes)> _placed = new();
    private int _bytes;

    internal bool HasRoom(in PublishCommand command) => _bytes + command.Bytes <= bytesMax || _bytes == 0;

    internal void Wait(ulong request, in PublishCommand command)
    {
        _bytes += command.Bytes;
        _unplaced.Enqueue((request, command));
    }

    internal bool TryTakeUnplaced(out ulong request, out PublishCommand command)
    {
        bool isTaken = _unplaced.TryDequeue(out (ulong Request, PublishCommand Command) first);
        (request, command) = first;
        if (isTaken) _bytes -= command.Bytes;
        return isTaken;
    }

    /// <summary>To be answered once the log is acknowledged as far as it is now.</summary>
    internal void Place(ulong request, ulong sequence, PublishOutcome outcome, ChannelPosition position, int bytes)
    {
        _bytes += bytes;
        _placed.Enqueue((request, sequence, outcome, position, bytes));
    }

    internal void Acknowledge(ulong sequence)
    {
        while (_placed.TryPeek(out (ulong Request, ulong Sequence, PublishOutcome Outcome, ChannelPosition Position, int Bytes) first)
            && first.Sequence <= sequence)
        {
            _placed.Dequeue();
            _bytes -= first.Bytes;
            output.Replied(partition, first.Request, first.Outcome, first.Position);
        }
    }

    /// <summary>The home has lost its right.</summary>
    internal void RefuseAll()
    {
        while (_placed.TryDequeue(out (ulong Request, ulong Sequence, PublishOutcome Outcome, ChannelPosition Position, int Bytes) placed))
            output.Replied(partition, placed.Request, PublishOutcome.Unknown, default);
        while (_unplaced.TryDequeue(out (ulong Request, PublishCommand Command) waiting))
            output.Replied(partition, waiting.Request, PublishOutcome.NotHome, default);
        _bytes = 0;
    }
}
