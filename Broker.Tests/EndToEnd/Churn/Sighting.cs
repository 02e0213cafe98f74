using System.Text.Json;

namespace Broker.Tests.EndToEnd.Churn;

/// <summary>What a subscriber has seen next, in its own order.</summary>
internal abstract record Sighting
{
    /// <summary>The subscription is there, at first or again.</summary>
    /// <param name="WasRecovering">Whether the client asked for what it missed.</param>
    /// <param name="Recovered">Whether it was told that it gets all of it.</param>
    /// <param name="WithPublications">Whether there was any.</param>
    /// <param name="Offset">The position to go on from; 0 without one.</param>
    internal sealed record Subscribed(bool WasRecovering, bool Recovered, bool WithPublications, long Offset) : Sighting;

    /// <summary>A publication.</summary>
    /// <param name="Number">Its own, from 1.</param>
    /// <param name="Offset">The channel's; 0 without one.</param>
    internal sealed record Published(long Number, long Offset) : Sighting;

    /// <summary>Reads one as the script writes it.</summary>
    internal static Sighting Read(JsonElement entry) => entry[0].GetString() switch
    {
        "s" => new Subscribed(entry[1].GetBoolean(), entry[2].GetBoolean(), entry[3].GetBoolean(), entry[4].GetInt64()),
        "p" => new Published(entry[1].GetInt64(), entry[2].GetInt64()),
        var kind => throw new JsonException($"'{kind}' is no sighting."),
    };
}
