using Broker.Core.Upgrade;

namespace Broker.Actors.Dialects;

/// <summary>A path to which clients post messages for connections that they have opened elsewhere.</summary>
public sealed record MessageEndpoint
{
    /// <summary>The path, exactly.</summary>
    public required string Path { get; init; }

    /// <summary>Which pages may post.</summary>
    public required OriginRule Origins { get; init; }

    /// <summary>The longest body; beyond it 413.</summary>
    public required int BodyBytesMax { get; init; }

    /// <summary>Gives a message to its connection.</summary>
    public required MessagePost Post { get; init; }
}

/// <summary>Gives a message to its connection. From any thread; must not block.</summary>
/// <param name="contentType">Of the body; empty where it has none.</param>
/// <param name="body">Borrowed.</param>
/// <returns>Why it was not taken; or <c>null</c>, which is answered 204.</returns>
public delegate UpgradeFault? MessagePost(string contentType, ReadOnlySpan<byte> body);
