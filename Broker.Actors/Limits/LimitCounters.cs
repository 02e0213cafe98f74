namespace Broker.Actors.Limits;

/// <summary>How often something was refused because of a rate, by what and whose. From any thread.</summary>
public sealed class LimitCounters
{
    private static readonly int s_kinds = Enum.GetValues<LimitKind>().Length, s_scopes = Enum.GetValues<LimitScope>().Length;

    private readonly long[] _refused = new long[s_kinds * s_scopes];

    /// <summary>How often since the start.</summary>
    public long Read(LimitScope scope, LimitKind kind) => Volatile.Read(ref _refused[IndexOf(scope, kind)]);

    /// <summary>Counts one.</summary>
    internal void Add(LimitScope scope, LimitKind kind) => Interlocked.Increment(ref _refused[IndexOf(scope, kind)]);

    private static int IndexOf(LimitScope scope, LimitKind kind) => ((int)scope * s_kinds) + (int)kind;
}
