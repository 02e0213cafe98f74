namespace Broker.Identity.Settings;

/// <summary>Rules by which tokens are verified.</summary>
public sealed record TokenRules
{
    /// <summary>What <c>iss</c> has to be, exactly; empty for anything.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>What <c>aud</c> has to be or to hold, exactly; empty for anything.</summary>
    public string Audience { get; init; } = "";

    /// <summary>The claim with the user's id.</summary>
    public string UserIdClaim { get; init; } = "sub";

    /// <summary>How far the issuer's clock may be off.</summary>
    public TimeSpan Skew { get; init; }

    /// <summary>The longest token.</summary>
    public int BytesMax { get; init; } = 16 * 1024;
}
