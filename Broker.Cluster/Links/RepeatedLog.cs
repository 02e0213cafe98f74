namespace Broker.Cluster.Links;

/// <summary>Keeps a log from saying the same once for every attempt: each text is new once a minute.</summary>
/// <param name="time">The clock.</param>
internal sealed class RepeatedLog(TimeProvider time)
{
    private const int TextsMax = 1024;
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, long> _said = new(StringComparer.Ordinal);

    /// <summary>Whether a text was not said in the last minute. From any thread.</summary>
    internal bool IsNew(string text)
    {
        lock (_said)
        {
            if (_said.TryGetValue(text, out long said) && time.GetElapsedTime(said) < s_pause) return false;
            if (_said.Count >= TextsMax) _said.Clear();
            _said[text] = time.GetTimestamp();
            return true;
        }
    }
}
