using Broker.Actors.Model;

namespace Broker.Store.History;

/// <summary>A channel of a shard while it is in use. Guarded by the shard's lock.</summary>
internal sealed class KeptChannel(string name)
{
    private readonly Dictionary<string, KnownAnswer> _answers = new(StringComparer.Ordinal);
    private readonly Queue<(string Key, long Due)> _dues = new();

    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>What the disk will hold of it once the writes under way have been made.</summary>
    public ChannelRecord Record { get; set; }

    /// <summary>The time of its last touch that the disk was notified of.</summary>
    public long WrittenTouch { get; set; }

    /// <summary>Commands that wait for it to be loaded, in their order; null once it is.</summary>
    public Queue<(Action Start, Action<Exception> Fail)>? Waiting { get; set; } = new();

    /// <summary>Whether the disk holds a record of it, or is about to.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Writes under way.</summary>
    public int Pending { get; set; }

    /// <summary>A write has failed: what is here is not what the disk holds. It is loaded again once no write is under way.</summary>
    public bool IsBroken { get; set; }

    /// <summary>When it was last asked for, in milliseconds since 1970.</summary>
    public long UsedAt { get; set; }

    /// <summary>Whether it can be dropped here and loaded again.</summary>
    public bool IsIdle => Waiting is null && Pending == 0;

    /// <summary>What is known of an idempotency key.</summary>
    public bool TryGetAnswer(string key, long now, out KnownAnswer answer) => _answers.TryGetValue(key, out answer) && answer.Due > now;

    /// <summary>Remembers an idempotency key.</summary>
    public void AddAnswer(string key, in KnownAnswer answer)
    {
        _answers[key] = answer;
        _dues.Enqueue((key, answer.Due));
    }

    /// <summary>Takes a key out whose time is over.</summary>
    public bool TryTakeExpired(long now, out string key)
    {
        while (_dues.TryPeek(out (string Key, long Due) oldest) && oldest.Due <= now)
        {
            _dues.Dequeue();
            key = oldest.Key;
            if (_answers.TryGetValue(key, out KnownAnswer answer) && answer.Due == oldest.Due) return _answers.Remove(key);
        }

        key = "";
        return false;
    }
}

/// <summary>What is known of an idempotency key.</summary>
/// <param name="Position">Where its publication stands.</param>
/// <param name="Due">Until when it is known, in milliseconds since 1970.</param>
/// <param name="Write">The write of that publication, which may still be under way.</param>
internal readonly record struct KnownAnswer(StreamPosition Position, long Due, Task Write);
