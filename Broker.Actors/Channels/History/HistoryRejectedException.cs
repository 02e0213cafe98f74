namespace Broker.Actors.Channels.History;

/// <summary>A history store has no room for more now. Nothing is wrong with it, and the same may succeed later.</summary>
public sealed class HistoryRejectedException : Exception
{
    /// <summary>Makes one without a text.</summary>
    public HistoryRejectedException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is full, in a few words for the client.</param>
    public HistoryRejectedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is full, in a few words for the client.</param>
    /// <param name="innerException">What said so.</param>
    public HistoryRejectedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
