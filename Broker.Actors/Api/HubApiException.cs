using Broker.Actors.Model;

namespace Broker.Actors.Api;

/// <summary>A call of <see cref="IHubApi"/> that could not be done.</summary>
/// <param name="error">What a remote caller is sent.</param>
/// <param name="detail">For people: which limit or rule it was.</param>
public sealed class HubApiException(HubError error, string detail) : Exception($"{error.Message}: {detail}")
{
    /// <summary>What a remote caller is sent.</summary>
    public HubError Error { get; } = error;
}
