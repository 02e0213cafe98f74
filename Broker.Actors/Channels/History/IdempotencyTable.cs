using System.Diagnostics.CodeAnalysis;

namespace Broker.Actors.Channels.History;

/// <summary>Remembers the answers to publications by channel and key, each for its time. For one thread.</summary>
/// <typeparam name="TAnswer">What is answered again.</typeparam>
/// <param name="time">The clock.</param>
/// <param name="keysMax">Keys at once; of more, those that were noted first are dropped.</param>
public sealed class IdempotencyTable<TAnswer>(TimeProvider time, int keysMax = 1_000_000)
{
    private readonly Dictionary<(string Channel, string Key), (TAnswer Answer, long Due)> _answers = [];
    private readonly Queue<((string Channel, string Key) Id, long Due)> _order = new();

    /// <summary>Keys remembered, expired ones among them until they are swept.</summary>
    public int Count => _answers.Count;

    /// <summary>Finds the answer to an earlier publication with this key.</summary>
    public bool TryGet(string channel, string key, [MaybeNullWhen(false)] out TAnswer answer)
    {
        answer = default;
        if (!_answers.TryGetValue((channel, key), out (TAnswer Answer, long Due) known) || known.Due <= time.GetTimestamp()) return false;
        answer = known.Answer;
        return true;
    }

    /// <summary>Remembers the answer to a publication.</summary>
    public void Add(string channel, string key, TAnswer answer, TimeSpan ttl)
    {
        long due = time.GetTimestamp() + (long)(ttl.TotalSeconds * time.TimestampFrequency);
        _answers[(channel, key)] = (answer, due);
        _order.Enqueue(((channel, key), due));
        Sweep(keysMax: 2);
        while (_answers.Count > keysMax && _order.Count > 0) Evict(_order.Dequeue());
    }

    /// <summary>The answers of some channels that have not expired, with the time that each has left.</summary>
    internal IEnumerable<(string Channel, string Key, TAnswer Answer, TimeSpan Left)> AnswersOf(Func<string, bool> isWanted)
    {
        long now = time.GetTimestamp();
        foreach (((string channel, string key), (TAnswer answer, long due)) in _answers)
        {
            if (due > now && isWanted(channel)) yield return (channel, key, answer, time.GetElapsedTime(now, due));
        }
    }

    /// <summary>Drops expired keys.</summary>
    /// <param name="keysMax">Keys looked at, at most.</param>
    /// <returns>Whether more may have expired.</returns>
    public bool Sweep(int keysMax)
    {
        long now = time.GetTimestamp();
        for (; keysMax > 0; keysMax--)
        {
            if (!_order.TryPeek(out ((string, string) Id, long Due) oldest) || oldest.Due > now) return false;
            Evict(_order.Dequeue());
        }

        return true;
    }

    // A key that was noted again meanwhile has a later entry of its own.
    private void Evict(((string, string) Id, long Due) entry)
    {
        if (_answers.TryGetValue(entry.Id, out (TAnswer Answer, long Due) known) && known.Due == entry.Due) _answers.Remove(entry.Id);
    }
}
