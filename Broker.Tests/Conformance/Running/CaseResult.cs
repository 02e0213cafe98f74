using Broker.Tests.Conformance.Cases;

namespace Broker.Tests.Conformance.Running;

/// <summary>The verdicts on one case, and what they rest on.</summary>
/// <param name="Case">The case.</param>
/// <param name="Behaviour">How the server behaved.</param>
/// <param name="Closing">How the connection ended.</param>
/// <param name="Got">What came, and how it ended, in words.</param>
/// <param name="Elapsed">From the connect to the end.</param>
public sealed record CaseResult(ConformanceCase Case, Behaviour Behaviour, Closing Closing, string Got, TimeSpan Elapsed)
{
    /// <summary>What the case wants, in words.</summary>
    public string Wanted
    {
        get
        {
            string events = Case.Steps is [CaseStep.Exchange exchange]
                ? $"every {exchange.Kind} message echoed"
                : string.Join(" or ", Case.Outcomes);
            string codes = Case.Closing.Codes is { } listed ? string.Join("/", listed) : "any code";
            string clean = Case.Closing.MustBeClean ? ", clean" : "";
            return $"{events}; closed by the {Case.Closing.Closer}, {codes}{clean}".ToLowerInvariant();
        }
    }

    /// <summary>Whether the server conforms to the RFC in this case.</summary>
    public bool Conforms => Behaviour switch
    {
        Behaviour.Failed => false,
        Behaviour.Informational => true,
        _ => Closing == Closing.Ok,
    };

    /// <summary>Whether it conforms, and there was nothing second-best about it.</summary>
    public bool IsStrict => Conforms && Behaviour is Behaviour.Ok or Behaviour.Informational;
}
