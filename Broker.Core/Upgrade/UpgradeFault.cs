namespace Broker.Core.Upgrade;

/// <summary>Why a request is not upgraded, and what its client is sent.</summary>
/// <param name="Status">The HTTP status of the refusal, 400 to 599.</param>
/// <param name="Reason">One sentence that names the rule or the limit; it becomes the body of the refusal.</param>
public readonly record struct UpgradeFault(int Status, string Reason)
{
    /// <summary>When the client may try again, or <c>null</c> to say nothing. Sent in whole seconds, rounded up.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether the refusal answers a HEAD request, whose answer has no content. RFC 9110 section 9.3.2.</summary>
    public bool Bodyless { get; init; }
}
