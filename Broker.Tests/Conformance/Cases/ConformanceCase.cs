using System.Globalization;

namespace Broker.Tests.Conformance.Cases;

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

    /// <summary>Whether the case is an exchange of messages and nothing else.</summary>
    public bool IsExchange => Steps is [CaseStep.Exchange];

    /// <summary>The number before the first point.</summary>
    public int Group => int.Parse(Id.AsSpan(0, Id.IndexOf('.', StringComparison.Ordinal)), NumberStyles.None, CultureInfo.InvariantCulture);
}
