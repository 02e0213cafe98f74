using Broker.Core.Upgrade;

namespace Broker.Actors.Sessions;

/// <summary>What is kept of a client's upgrade request until it has connected, for access.</summary>
/// <param name="Target">Path and query.</param>
/// <param name="Headers">Those that access asks for; names in small letters.</param>
public sealed record UpgradeInfo(string Target, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>Keeps what is asked for.</summary>
    /// <param name="request">The request.</param>
    /// <param name="headers">Names of headers; none, and nothing is kept.</param>
    public static UpgradeInfo? Of(UpgradeRequest request, IReadOnlyList<string> headers)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(headers);
        if (headers.Count == 0) return null;
        Dictionary<string, string> kept = new(StringComparer.Ordinal);
        foreach (string name in headers)
        {
            if (request.TryGetHeader(name, out string? value)) kept[name.ToLowerInvariant()] = value;
        }

        return new UpgradeInfo(request.Query.Length == 0 ? request.Path : $"{request.Path}?{request.Query}", kept);
    }
}
