using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Sessions;
using Broker.Core.Deflate;
using Broker.Core.Upgrade;

namespace Broker.Actors.Dialects;

/// <summary>Makes a dialect for a hub, before the hub starts.</summary>
public interface IDialectFactory
{
    /// <summary>Makes the dialect; the formats of it belong to that hub.</summary>
    /// <returns>The dialect; or null where its settings have it switched off.</returns>
    Dialect? Create(DialectContext context);
}

/// <summary>What a hub offers its dialects.</summary>
public sealed record DialectContext
{
    /// <summary>The hub's version, for clients.</summary>
    public required string Version { get; init; }

    /// <summary>The id of this run of the node, for clients.</summary>
    public string Node { get; init; } = Guid.NewGuid().ToString();

    /// <summary>What one client may do and hold.</summary>
    public required ClientSettings Clients { get; init; }

    /// <summary>Bounds of calls.</summary>
    public required CallSettings Calls { get; init; }

    /// <summary>Bounds of the way of publications.</summary>
    public required ChannelSettings Channels { get; init; }

    /// <summary>What clients may call; complete before the first connection.</summary>
    public required MethodRegistry Methods { get; init; }

    /// <summary>Which pages may connect.</summary>
    public required OriginRule Origins { get; init; }

    /// <summary>Which clients share one part of what all clients share.</summary>
    public ClientAddresses Addresses { get; init; } = ClientAddresses.Direct;

    /// <summary>What is agreed to when a client offers compression; null declines.</summary>
    public DeflatePolicy? Deflate { get; init; }
}
