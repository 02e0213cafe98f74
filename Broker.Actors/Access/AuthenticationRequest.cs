using System.Net;

namespace Broker.Actors.Access;

/// <summary>What a client has shown when it wants to connect.</summary>
public sealed record AuthenticationRequest
{
    /// <summary>The dialect's name.</summary>
    public required string Dialect { get; init; }

    /// <summary>What carries the client's messages, such as <c>websocket</c>.</summary>
    public string Transport { get; init; } = "websocket";

    /// <summary>Channels that the client wants the server to subscribe it to.</summary>
    public IReadOnlyList<string> Channels { get; init; } = [];

    /// <summary>The id that the connection will have.</summary>
    public required string Client { get; init; }

    /// <summary>The client's address; of the client behind a proxy, where the proxy is believed.</summary>
    public required IPEndPoint Remote { get; init; }

    /// <summary>The token, UTF-8; empty where the client shows none.</summary>
    public ReadOnlyMemory<byte> Token { get; init; }

    /// <summary>Data of the connect command, as the dialect carries it; empty where there is none.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The name of the client's software, as it says.</summary>
    public string Name { get; init; } = "";

    /// <summary>The version of the client's software, as it says.</summary>
    public string Version { get; init; } = "";

    /// <summary>Headers that the client gives inside its connect command; those of the upgrade are not among them.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = s_none;

    /// <summary>Headers of the upgrade request that the endpoint keeps, such as <c>Authorization</c>; names in small letters.</summary>
    public IReadOnlyDictionary<string, string> UpgradeHeaders { get; init; } = s_none;

    /// <summary>The upgrade's request target: path and query.</summary>
    public string Target { get; init; } = "";

    private static readonly Dictionary<string, string> s_none = [];
}
