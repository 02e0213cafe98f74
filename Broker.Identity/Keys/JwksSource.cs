using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Broker.Identity.Keys;

/// <summary>Times of a <see cref="JwksSource"/>.</summary>
public sealed record JwksTimes
{
    /// <summary>How old the keys may be before they are fetched anew.</summary>
    public TimeSpan Refresh { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How old they may be when they cannot be fetched; then no token is accepted any more.</summary>
    public TimeSpan KeepMax { get; init; } = TimeSpan.FromHours(24);

    /// <summary>The shortest time between two fetches for key ids that are not known.</summary>
    public TimeSpan MissInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one fetch may take; there are two tries.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The first pause after a failed fetch; it doubles with each.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause after failed fetches.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>The keys of one issuer, by id, out of a key set that is fetched when it is needed and kept.</summary>
/// <remarks>
/// <code>
///   key known, set fresh          the key, at once
///   key known, set old            the key, at once, and a fetch in the background
///   key unknown                   one fetch per MissInterval, which all who ask wait for; else no key
///   fetch failed                  no further fetch for 1, 2, 4 ... 60 s; known keys are used until KeepMax
/// </code>
/// Each issuer has a source of its own, so a key id means nothing but together with its issuer. Safe for many threads.
/// </remarks>
public sealed class JwksSource
{
    private const int TriesMax = 2;

    private readonly Func<CancellationToken, Task<byte[]>> _load;
    private readonly JwksTimes _times;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private volatile KeySet _set = KeySet.None;
    private Task? _fetch;                           // The fetch that is under way.
    private DateTimeOffset _nextFetch;              // Not before: the pause after a failure, or after a fetch for an unknown id.
    private int _failures;                          // In a row.

    /// <summary>Makes a source that has fetched nothing yet.</summary>
    /// <param name="load">
    /// Gives the document; fails with any exception if it cannot. Its result has at most <see cref="JwksDocument.BytesMax"/> bytes.
    /// </param>
    /// <param name="times">Times.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Gets a line for each failed fetch.</param>
    public JwksSource(Func<CancellationToken, Task<byte[]>> load, JwksTimes times, TimeProvider time, ILogger log)
    {
        _load = load;
        _times = times;
        _time = time;
        _log = log;
    }

    /// <summary>How many fetches have begun, tries of one fetch counted once.</summary>
    public int Fetches { get; private set; }

    /// <summary>Looks a key up without waiting.</summary>
    /// <param name="keyId">Its id.</param>
    /// <returns>The key, or <c>null</c> if <see cref="FindAsync"/> has to be asked.</returns>
    public TokenKey? Find(string keyId)
    {
        KeySet set = _set;
        TimeSpan age = _time.GetUtcNow() - set.FetchedAt;
        if (age > _times.KeepMax || !set.Keys.TryGetValue(keyId, out TokenKey? key)) return null;
        if (age > _times.Refresh) StartFetch();
        return key;
    }

    /// <summary>Looks a key up, and fetches the keys for it if that may be done now.</summary>
    /// <param name="keyId">Its id.</param>
    /// <param name="cancellationToken">Ends the wait, not the fetch.</param>
    /// <returns>The key; or none, and whether that is because the keys cannot be had.</returns>
    public async ValueTask<(TokenKey? Key, bool IsUnavailable)> FindAsync(string keyId, CancellationToken cancellationToken)
    {
        if (Find(keyId) is { } known) return (known, false);
        if (StartFetch() is { } fetch) await fetch.WaitAsync(cancellationToken).ConfigureAwait(false);
        TokenKey? key = Find(keyId);
        return (key, key is null && (_failures > 0 || _time.GetUtcNow() - _set.FetchedAt > _times.KeepMax));
    }

    /// <summary>Fetches the keys now, so that the first client does not wait for them.</summary>
    public Task WarmAsync() => StartFetch() ?? Task.CompletedTask;

    private Task? StartFetch()
    {
        lock (_lock)
        {
            if (_fetch is { IsCompleted: false } running) return running;
            DateTimeOffset now = _time.GetUtcNow();
            if (now < _nextFetch) return null;
            _nextFetch = now + _times.MissInterval;
            Fetches++;
            return _fetch = Task.Run(FetchAsync);
        }
    }

    private async Task FetchAsync()
    {
        for (int tries = 1; ; tries++)
        {
            using var timeout = new CancellationTokenSource(_times.Timeout, _time);
            try
            {
                byte[] json = await _load(timeout.Token).WaitAsync(timeout.Token).ConfigureAwait(false);
                Take(JwksDocument.Read(json));
                return;
            }
#pragma warning disable CA1031 // Whatever a fetch fails of, the answer is the same: use what is known, and try again later.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                if (tries < TriesMax && failure is not InvalidDataException) continue;
                NoteFailure(failure);
                return;
            }
        }
    }

    private void Take(IReadOnlyDictionary<string, TokenKey> keys)
    {
        lock (_lock)
        {
            _failures = 0;
            _set = new KeySet(keys.ToFrozenDictionary(StringComparer.Ordinal), _time.GetUtcNow());
        }
    }

    private void NoteFailure(Exception failure)
    {
        TimeSpan pause;
        lock (_lock)
        {
            double doubled = _times.BackoffMin.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 30));
            double jitter = 0.75 + RandomNumberGenerator.GetInt32(251) / 1000.0;
            pause = TimeSpan.FromMilliseconds(Math.Min(doubled, _times.BackoffMax.TotalMilliseconds) * jitter);
            _nextFetch = _time.GetUtcNow() + pause;
        }

        KeyLog.FetchFailed(_log, failure is OperationCanceledException ? "no answer in time" : failure.Message, pause);
    }

    private sealed record KeySet(FrozenDictionary<string, TokenKey> Keys, DateTimeOffset FetchedAt)
    {
        internal static KeySet None { get; } = new(FrozenDictionary<string, TokenKey>.Empty, DateTimeOffset.MinValue);
    }
}

/// <summary>Lines of the log about keys.</summary>
internal static partial class KeyLog
{
    [LoggerMessage(
        1, LogLevel.Warning,
            "The keys of tokens could not be fetched: {Reason}. Known ones stay in use; the next try is in {Pause} at the earliest")]
    internal static partial void FetchFailed(ILogger log, string reason, TimeSpan pause);
}
