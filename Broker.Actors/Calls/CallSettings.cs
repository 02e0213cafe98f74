namespace Broker.Actors.Calls;

/// <summary>Bounds of the calls of one client.</summary>
public sealed record CallSettings
{
    /// <summary>Calls that may be under way at once; one more is answered that there are too many.</summary>
    public int PendingMax { get; init; } = 1024;

    /// <summary>Bytes of arguments that they may hold together; and bytes of results of the hub's calls that may wait to be read.</summary>
    public int BytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>How long a call may take, also where the caller allows more or names no time.</summary>
    public TimeSpan DeadlineMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How old a turn of a loop may be to answer calls of inline methods in it, and how long one such call may take.</summary>
    public TimeSpan InlineLimit { get; init; } = TimeSpan.FromMilliseconds(10);
}
