namespace Broker.Dialects.Native;

/// <summary>The last streams that a client was sent to their end: it may refuse one even then, before it has put it together.</summary>
/// <remarks>The last 64: eight times as many as clients take at once, unless they say otherwise. For the loop's thread.</remarks>
internal sealed class SentStreams
{
    private const int Remembered = 64;

    private readonly List<(uint Stream, DownloadSubject Subject)> _last = [];

    /// <summary>The last chunk of a stream was sent.</summary>
    internal void Add(uint stream, in DownloadSubject subject)
    {
        if (_last.Count == Remembered) _last.RemoveAt(0);
        _last.Add((stream, subject));
    }

    /// <summary>What a stream was that the client refuses; told once.</summary>
    internal DownloadSubject? Take(uint stream)
    {
        int at = _last.FindIndex(each => each.Stream == stream);
        if (at < 0) return null;
        DownloadSubject subject = _last[at].Subject;
        _last.RemoveAt(at);
        return subject;
    }

    /// <summary>No one listens to a channel any more.</summary>
    internal void RemoveChannel(uint channel) => _last.RemoveAll(each => each.Subject.Channel == channel && channel != 0);

    /// <summary>No caller waits for a call any more; its number may be that of a later one.</summary>
    internal void RemoveCall(uint call) => _last.RemoveAll(each => each.Subject.Channel == 0 && each.Subject.Call == call);
}
