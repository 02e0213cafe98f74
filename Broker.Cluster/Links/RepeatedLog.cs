namespace Broker.Cluster.Links;

/// <summary>Keeps a log from saying the same once for every attempt: each text is new once a minute.</summary>
/// <param name="time">The clock.</param>
internal sealed class RepeatedLog(TimeProvider time)
{
    private const int TextsMax = 1024;
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, long> _sent = new(StringComparer.Ordinal);

    /// <summary>Whether a text was not written in the last minute. From any thread.</summary>
    internal bool IsNew(string text)
    {
        lock (_sent)
        {
            if (_sent.TryGetValue(text, out long sent) && time.GetElapsedTime(sent) < s_pause) return false;
            if (_sent.Count >= TextsMax) _sent.Clear();
            _sent[text] = time.GetTimestamp();
            return true;
        }
    }
}
