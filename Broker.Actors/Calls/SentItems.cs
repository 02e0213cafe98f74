namespace Broker.Actors.Calls;

/// <summary>Items that were sent to one client: they count until what was written before them has been taken.</summary>
/// <remarks>For the session's thread.</remarks>
internal sealed class SentItems(ICallWriter writer, ItemBudget unreadBudget)
{
    private long _bytes;

    /// <summary>Where the sender of one takes room for it.</summary>
    internal ItemBudget UnreadBudget => unreadBudget;

    /// <summary>An item for which there was room has been sent, or will not be.</summary>
    internal void Add(int bytes)
    {
        bool isFirst = _bytes == 0;
        _bytes += bytes;
        if (isFirst && _bytes > 0) writer.OnceRead(Return);
    }

    private void Return()
    {
        unreadBudget.Return(_bytes);
        _bytes = 0;
    }
}
