using System.Diagnostics;
using System.Globalization;

namespace Broker.Cli.Bench;

/// <summary>What a run is doing.</summary>
/// <param name="Name">As it is shown.</param>
/// <param name="Length">How long it takes; <c>null</c> where it is unknown.</param>
internal sealed record RunPhase(string Name, TimeSpan? Length = null)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>The name, and how far it has come.</summary>
    public override string ToString() => Length is { } length
        ? string.Create(
        CultureInfo.InvariantCulture,
            $"{Name}, {Math.Floor(Stopwatch.GetElapsedTime(_start).TotalSeconds):0} of {length.TotalSeconds:0.#} s")
        : Name;
}
