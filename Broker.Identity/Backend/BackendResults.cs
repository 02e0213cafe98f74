using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Broker.Identity.Tokens;

namespace Broker.Identity.Backend;

/// <summary>The result of a connect.</summary>
public sealed record ConnectBackendResult
{
    /// <summary>The user; empty for an anonymous client.</summary>
    public string? User { get; init; }

    /// <summary>When the connection expires, in seconds since 1970; 0 for never.</summary>
    public long ExpireAt { get; init; }

    /// <summary>What others are sent about the connection.</summary>
    public JsonElement? Info { get; init; }

    /// <summary>The same as bytes; it counts first.</summary>
    [JsonPropertyName("b64info")]
    public byte[]? BinaryInfo { get; init; }

    /// <summary>Data for the client in the reply to its connect.</summary>
    public JsonElement? Data { get; init; }

    /// <summary>The same as bytes; it counts first.</summary>
    [JsonPropertyName("b64data")]
    public byte[]? BinaryData { get; init; }

    /// <summary>Channels that the hub subscribes the client to.</summary>
    public IReadOnlyList<string>? Channels { get; init; }

    /// <summary>The same with options; it counts first if it has any.</summary>
    public IReadOnlyDictionary<string, SubscribeBackendResult>? Subs { get; init; }

    /// <summary>What the backend is sent about the connection from now on.</summary>
    public JsonElement? Meta { get; init; }
}

/// <summary>The result of a subscribe, and the options of a channel in the result of a connect.</summary>
public sealed record SubscribeBackendResult
{
    /// <summary>When the subscription expires, in seconds since 1970; 0 for never.</summary>
    public long ExpireAt { get; init; }

    /// <summary>What others are sent about the client in this channel.</summary>
    public JsonElement? Info { get; init; }

    /// <summary>The same as bytes; it counts first.</summary>
    [JsonPropertyName("b64info")]
    public byte[]? BinaryInfo { get; init; }

    /// <summary>Data for the client in the reply to its subscribe.</summary>
    public JsonElement? Data { get; init; }

    /// <summary>The same as bytes; it counts first.</summary>
    [JsonPropertyName("b64data")]
    public byte[]? BinaryData { get; init; }

    /// <summary>Options that stand over those of the namespace.</summary>
    public OverrideBackendResult? Override { get; init; }
}

/// <summary>Options that stand over those of a namespace.</summary>
public sealed record OverrideBackendResult
{
    /// <summary>Whether the subscriber is listed as present.</summary>
    public SwitchBackendResult? Presence { get; init; }

    /// <summary>Whether others are notified of its coming and going.</summary>
    public SwitchBackendResult? JoinLeave { get; init; }

    /// <summary>Whether it may recover.</summary>
    public SwitchBackendResult? ForceRecovery { get; init; }

    /// <summary>Whether its position is checked.</summary>
    public SwitchBackendResult? ForcePositioning { get; init; }

    /// <summary>Whether it is notified of the coming and going of others.</summary>
    public SwitchBackendResult? ForcePushJoinLeave { get; init; }

    /// <summary>The same as a token has them.</summary>
    public SubscriptionOverride ToOverride() =>
        new(Presence?.Value, JoinLeave?.Value, ForceRecovery?.Value, ForcePositioning?.Value, ForcePushJoinLeave?.Value);
}

/// <summary>A switch, as an object so that absent and off differ.</summary>
public sealed record SwitchBackendResult
{
    /// <summary>On or off.</summary>
    public bool Value { get; init; }
}

/// <summary>The result of a refresh or a sub_refresh.</summary>
public sealed record RefreshBackendResult
{
    /// <summary>It has expired and is not renewed.</summary>
    public bool Expired { get; init; }

    /// <summary>When it expires next, in seconds since 1970.</summary>
    public long ExpireAt { get; init; }

    /// <summary>What others are sent from now on.</summary>
    public JsonElement? Info { get; init; }

    /// <summary>The same as bytes; it counts first.</summary>
    [JsonPropertyName("b64info")]
    public byte[]? BinaryInfo { get; init; }

    /// <summary>What the backend is sent about the connection from now on.</summary>
    public JsonElement? Meta { get; init; }
}

/// <summary>The result of a publish.</summary>
public sealed record PublishBackendResult
{
    /// <summary>Published in place of the client's data.</summary>
    public JsonElement? Data { get; init; }

    /// <summary>The same as bytes; it counts first.</summary>
    [JsonPropertyName("b64data")]
    public byte[]? BinaryData { get; init; }

    /// <summary>Does not add it to the history.</summary>
    public bool SkipHistory { get; init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>A second publication with the same key is not sent.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Asks for a delta.</summary>
    public bool Delta { get; init; }

    /// <summary>Not sent unless greater than the channel's last version; 0 for none.</summary>
    public ulong Version { get; init; }

    /// <summary>Versions of different epochs are not compared.</summary>
    public string? VersionEpoch { get; init; }
}

/// <summary>The result of an rpc.</summary>
public sealed record RpcBackendResult
{
    /// <summary>The result of the call.</summary>
    public JsonElement? Data { get; init; }

    /// <summary>The same as bytes; it counts first.</summary>
    [JsonPropertyName("b64data")]
    public byte[]? BinaryData { get; init; }
}

/// <summary>Reads results.</summary>
internal static class BackendResults
{
    /// <summary>The bytes of a member that is JSON or base64.</summary>
    internal static ReadOnlyMemory<byte> BytesOf(JsonElement? json, byte[]? binary) =>
        binary is { Length: > 0 } ? binary
        : json is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } element
        ? JsonMarshal.GetRawUtf8Value(element).ToArray()
        : default;

    /// <summary>A time in seconds since 1970; <c>null</c> for 0.</summary>
    /// <exception cref="JsonException">It is no time.</exception>
    internal static DateTimeOffset? TimeOf(long seconds) =>
        seconds == 0 ? null
        : seconds is > 0 and <= 253_402_300_799 ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : throw new JsonException("its expire_at is not a time in seconds");
}

/// <summary>Reading of results, made at build time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ConnectBackendResult))]
[JsonSerializable(typeof(SubscribeBackendResult))]
[JsonSerializable(typeof(RefreshBackendResult))]
[JsonSerializable(typeof(PublishBackendResult))]
[JsonSerializable(typeof(RpcBackendResult))]
internal sealed partial class BackendJson : JsonSerializerContext;
