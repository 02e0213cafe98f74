using System.Diagnostics.CodeAnalysis;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// Keeps the commands of a channel in their order while its history's store works on an earlier one: publications may follow each other
/// into the store, everything else waits until it is its turn.
/// </summary>
/// <remarks>For the thread of the home. Empty, and no cost, with a store that answers at once.</remarks>
internal sealed class ChannelGate
{
    private readonly Dictionary<string, Work> _busy = new(StringComparer.Ordinal);
    private object? _taken;             // Whose turn it is, though others wait behind it.

    private sealed class Work
    {
        internal readonly Queue<(object Message, bool IsAppend)> Waiting = new();
        internal int Appends;           // Under way.
        internal bool IsReading;        // Or whatever else is alone.
    }

    /// <summary>Whether no channel waits for its store.</summary>
    internal bool IsEmpty => _busy.Count == 0;

    /// <summary>Whether a command has to wait; if so, it has been taken.</summary>
    internal bool MustWait(string channel, object message, bool isAppend)
    {
        if (ReferenceEquals(message, _taken))
        {
            _taken = null;
            return false;
        }

        if (!_busy.TryGetValue(channel, out Work? work) || (isAppend && !work.IsReading && work.Waiting.Count == 0)) return false;
        work.Waiting.Enqueue((message, isAppend));
        return true;
    }

    /// <summary>The store works on a command of the channel.</summary>
    internal void Begin(string channel, bool isAppend)
    {
        if (!_busy.TryGetValue(channel, out Work? work)) _busy.Add(channel, work = new Work());
        if (isAppend) work.Appends++;
        else work.IsReading = true;
    }

    /// <summary>The store has finished with a command of the channel.</summary>
    internal void End(string channel, bool isAppend)
    {
        if (!_busy.TryGetValue(channel, out Work? work)) return;    // The home was lost meanwhile.
        if (isAppend) work.Appends--;
        else work.IsReading = false;
        Settle(channel, work);
    }

    /// <summary>
    /// The next command that has waited and may go on: it does not have to wait again. To be asked until there is none.
    /// </summary>
    internal bool TryTake(string channel, [NotNullWhen(true)] out object? message)
    {
        message = null;
        if (!_busy.TryGetValue(channel, out Work? work) || work.IsReading || work.Waiting.Count == 0) return false;
        if (work.Appends > 0 && !work.Waiting.Peek().IsAppend) return false;
        _taken = message = work.Waiting.Dequeue().Message;
        Settle(channel, work);
        return true;
    }

    /// <summary>Takes everything that waits: the home is lost.</summary>
    internal IReadOnlyList<object> TakeAll()
    {
        object[] all = [.. _busy.Values.SelectMany(static work => work.Waiting).Select(static each => each.Message)];
        _busy.Clear();
        return all;
    }

    private void Settle(string channel, Work work)
    {
        if (work is { Appends: 0, IsReading: false, Waiting.Count: 0 }) _busy.Remove(channel);
    }
}
