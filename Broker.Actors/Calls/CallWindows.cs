namespace Broker.Actors.Calls;

/// <summary>How many items of a call may be under way before the first credit; 0 where there can be none.</summary>
/// <param name="Arguments">Further arguments, from the caller.</param>
/// <param name="Results">Results before the last one, to the caller.</param>
public readonly record struct CallWindows(int Arguments, int Results)
{
    /// <summary>The most bytes of one result before the last one.</summary>
    public int ResultBytesMax { get; init; } = int.MaxValue;
}
