using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Cases;

/// <summary>How well the server behaved in a case.</summary>
public enum Behaviour
{
    /// <summary>As well as can be.</summary>
    Ok,

    /// <summary>Second best, and still what the RFC allows.</summary>
    NonStrict,

    /// <summary>The case only reports what it saw.</summary>
    Informational,

    /// <summary>The server lacks an optional part of the protocol.</summary>
    Unimplemented,

    /// <summary>Wrong.</summary>
    Failed,
}

/// <summary>How the connection of a case ended.</summary>
public enum Closing
{
    /// <summary>As the case wants it.</summary>
    Ok,

    /// <summary>Without both close frames, or without the server's end of the stream in time.</summary>
    Unclean,

    /// <summary>With a close code that the case does not allow.</summary>
    WrongCode,

    /// <summary>The client had to end the stream because the server did not.</summary>
    FailedByClient,

    /// <summary>Started by the wrong side, or never opened.</summary>
    Failed,
}

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

/// <summary>One case: what the client sends, what it expects, and how the connection has to end.</summary>
/// <param name="Id">Group, family and number, as in `6.4.3`.</param>
/// <param name="Limit">From the opening, or from the end of the last pause, to the end that the case waits for.</param>
public sealed record ConformanceCase(string Id, TimeSpan Limit)
{
    /// <summary>What the client does, in order.</summary>
    public IReadOnlyList<CaseStep> Steps { get; init; } = [];

    /// <summary>What it accepts, best first.</summary>
    public IReadOnlyList<Outcome> Outcomes { get; init; } = [Outcome.Ok()];

    /// <summary>How it has to end.</summary>
    public ClosingRule Closing { get; init; } = ClosingRule.ByClient;

    /// <summary>The value of Sec-WebSocket-Extensions, or null for none.</summary>
    public string? ExtensionOffer { get; init; }

    /// <summary>Whether the server has to notice an error during a pause: see <see cref="CaseStep.Pause"/>.</summary>
    public bool JudgedByPause { get; init; }

    /// <summary>Whether a wrong closing makes the behaviour wrong, too.</summary>
    public bool ClosingDecides => Group is 6 or 7;

    /// <summary>The number before the first point.</summary>
    public int Group => int.Parse(Id.AsSpan(0, Id.IndexOf('.', StringComparison.Ordinal)), System.Globalization.CultureInfo.InvariantCulture);
}
