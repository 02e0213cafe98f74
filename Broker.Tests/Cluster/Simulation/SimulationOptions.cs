using Broker.Cluster.Protocol.Copies;

namespace Broker.Tests.Cluster.Simulation;

/// <summary>What one run of the simulation is made of. The seed decides everything that is left to chance.</summary>
internal sealed record SimulationOptions(int Seed)
{
    public int Nodes { get; init; } = 5;

    public int Copies { get; init; } = 1;

    public int Partitions { get; init; } = 2;

    /// <summary>Nodes claim against the ranking now and then.</summary>
    public bool Rivals { get; init; }

    /// <summary>Faults come three times as often.</summary>
    public bool IsHot { get; init; }

    /// <summary>Messages of the copies protocol are lost, repeated and reordered one by one, which lanes do not do.</summary>
    public bool IsHarsh { get; init; }

    /// <summary>How long the run is; faults end <see cref="Quiet"/> before.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(105);

    /// <summary>
    /// The time without faults at the end. Machines that crashed last start again within 20 s of it, and a partition whose replicas are
    /// not all back then waits 15 s more.
    /// </summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(50);

    /// <summary>How long homes know keys at least.</summary>
    public TimeSpan KeyLifetime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The rule of the protocol that is left out.</summary>
    public CopyRules Broken { get; init; }

    /// <summary>The rule of the host that is left out.</summary>
    public HostRules BrokenHost { get; init; }

    /// <summary>Where a trace goes; null for none.</summary>
    public Action<string>? Trace { get; init; }

    /// <summary>
    /// The options of a seed in the ordinary runs: every fifth has rivals, every other one is harsh, and sizes and copies vary.
    /// </summary>
    public static SimulationOptions Of(int seed) => new(seed)
    {
        Nodes = 3 + (seed % 3),
        Copies = seed % 7 == 0 ? 0 : 1 + (seed % 2),
        Rivals = seed % 5 == 0,
        IsHarsh = seed / 2 % 2 == 0,
    };
}

/// <summary>Rules that the host keeps for the protocol, and that a test can leave out.</summary>
[Flags]
internal enum HostRules
{
    None = 0,

    /// <summary>The register is read from all members, and not from a majority.</summary>
    ReadFromAll = 1,

    /// <summary>Messages of nodes that are no members are not handled.</summary>
    ServeMembersOnly = 2,

    /// <summary>A node that was removed is dropped from the presence indexes.</summary>
    DropRemoved = 8,

    /// <summary>Digests are sent and compared.</summary>
    Digests = 16,

    /// <summary>A store that starts empty has a new id.</summary>
    NewStoreNewId = 32,

    /// <summary>Idempotency keys are sent along when a publication is repeated.</summary>
    RepeatWithKey = 64,
}
