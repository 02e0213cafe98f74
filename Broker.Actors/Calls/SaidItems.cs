namespace Broker.Actors.Calls;

/// <summary>Items that were said to one client: they count until what was written before them has been taken.</summary>
/// <remarks>For the session's thread.</remarks>
internal sealed class SaidItems(ICallOutlet outlet, ItemBudget untaken)
{
    private long _bytes;

    /// <summary>Where whoever says one takes room for it.</summary>
    internal ItemBudget Untaken => untaken;

    /// <summary>An item for which there was room has been said, or will not be.</summary>
    internal void Add(int bytes)
    {
        bool isFirst = _bytes == 0;
        _bytes += bytes;
        if (isFirst && _bytes > 0) outlet.OnceTaken(GiveBack);
    }

    private void GiveBack()
    {
        untaken.GiveBack(_bytes);
        _bytes = 0;
    }
}
