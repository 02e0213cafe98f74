using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Cases;

/// <summary>Which end a case wants for its connection.</summary>
/// <param name="Closer">The side that has to start the end.</param>
/// <param name="MustBeClean">Whether both close frames and the server's end of the stream are required.</param>
/// <param name="Codes">The codes allowed in the server's close frame; null allows any. No code is always allowed.</param>
public sealed record ClosingRule(Side Closer, bool MustBeClean, IReadOnlyList<int>? Codes)
{
    /// <summary>The client closes when all is echoed, and the server answers in kind.</summary>
    public static ClosingRule ByClient { get; } = new(Side.Client, MustBeClean: true, [1000]);

    /// <summary>The server has to fail the connection with a code, or drop it.</summary>
    public static ClosingRule ByServer(int code) => new(Side.Server, MustBeClean: false, [code]);
}

/// <summary>One list of events that a case accepts, and how well it thinks of it.</summary>
/// <param name="Behaviour">The verdict if exactly these events come.</param>
/// <param name="Events">The events in their order; null accepts any.</param>
public sealed record Outcome(Behaviour Behaviour, IReadOnlyList<Expected>? Events)
{
    /// <summary>The best outcome.</summary>
    public static Outcome Ok(params Expected[] events) => new(Behaviour.Ok, events);

    /// <summary>The second-best outcome.</summary>
    public static Outcome NonStrict(params Expected[] events) => new(Behaviour.NonStrict, events);

    /// <summary>Whether exactly these events came.</summary>
    public bool Matches(IReadOnlyList<Received> received) =>
        Events is null || (Events.Count == received.Count && Events.Zip(received, (e, r) => e.Matches(r)).All(same => same));

    /// <summary>The events, for reports.</summary>
    public override string ToString() => Events switch
    {
        null => "anything",
        [] => "no event",
        _ => string.Join(", ", Events),
    };
}
