using System.Text.Json;
using System.Text.Json.Serialization;

namespace Broker.AspNetCore.Api;

// The requests of Centrifugo's server API, member by member; unknown members are ignored, as there. Names in JSON are in snake_case.

internal record PublicationBody
{
    public JsonElement? Data { get; init; }

    [JsonPropertyName("b64data")]
    public byte[]? BinaryData { get; init; }

    public bool SkipHistory { get; init; }

    public Dictionary<string, string>? Tags { get; init; }

    public string? IdempotencyKey { get; init; }

    public bool Delta { get; init; }

    public ulong Version { get; init; }

    public string? VersionEpoch { get; init; }
}

internal sealed record PublishBody : PublicationBody
{
    public string? Channel { get; init; }
}

internal sealed record BroadcastBody : PublicationBody
{
    public List<string>? Channels { get; init; }
}

internal record ConnectionsBody
{
    public string? User { get; init; }

    public string? Client { get; init; }

    public string? Session { get; init; }
}

internal sealed record SubscribeBody : ConnectionsBody
{
    public string? Channel { get; init; }

    public JsonElement? Info { get; init; }

    [JsonPropertyName("b64info")]
    public byte[]? BinaryInfo { get; init; }

    public JsonElement? Data { get; init; }

    [JsonPropertyName("b64data")]
    public byte[]? BinaryData { get; init; }

    public long ExpireAt { get; init; }

    public PositionBody? RecoverSince { get; init; }

    public OverrideBody? Override { get; init; }
}

internal sealed record OverrideBody
{
    public SwitchBody? Presence { get; init; }

    public SwitchBody? JoinLeave { get; init; }

    public SwitchBody? ForceRecovery { get; init; }

    public SwitchBody? ForcePositioning { get; init; }

    public SwitchBody? ForcePushJoinLeave { get; init; }
}

internal sealed record SwitchBody
{
    public bool Value { get; init; }
}

internal sealed record PositionBody
{
    public ulong Offset { get; init; }

    public string? Epoch { get; init; }
}

internal sealed record UnsubscribeBody : ConnectionsBody
{
    public string? Channel { get; init; }
}

internal sealed record DisconnectBody : ConnectionsBody
{
    public DisconnectCodeBody? Disconnect { get; init; }

    public List<string>? Whitelist { get; init; }
}

internal sealed record DisconnectCodeBody
{
    public long Code { get; init; }

    public string? Reason { get; init; }
}

internal sealed record RefreshBody : ConnectionsBody
{
    public bool Expired { get; init; }

    public long ExpireAt { get; init; }

    public JsonElement? Info { get; init; }
}

internal sealed record ChannelBody
{
    public string? Channel { get; init; }
}

internal sealed record HistoryBody
{
    public string? Channel { get; init; }

    public int Limit { get; init; }

    public PositionBody? Since { get; init; }

    public bool Reverse { get; init; }
}

internal sealed record ChannelsBody
{
    public string? Pattern { get; init; }
}

internal sealed record InfoBody;

internal sealed record ExplainBody
{
    public string? Client { get; init; }

    public string? Channel { get; init; }

    public ulong? Offset { get; init; }
}

internal sealed record RpcBody
{
    public string? Method { get; init; }
}

internal sealed record BatchBody
{
    public List<Dictionary<string, JsonElement>>? Commands { get; init; }

    public bool Parallel { get; init; }
}

internal sealed record BlockUserBody
{
    public string? User { get; init; }

    public long ExpireAt { get; init; }
}

internal sealed record RevokeTokenBody
{
    public string? Uid { get; init; }

    public long ExpireAt { get; init; }
}

internal sealed record InvalidateUserTokensBody
{
    public string? User { get; init; }

    public long IssuedBefore { get; init; }

    public long ExpireAt { get; init; }
}

internal sealed record ClusterNodeBody
{
    public string? Node { get; init; }
}

/// <summary>Reading of requests, made at build time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, MaxDepth = 64)]
[JsonSerializable(typeof(PublishBody))]
[JsonSerializable(typeof(BroadcastBody))]
[JsonSerializable(typeof(SubscribeBody))]
[JsonSerializable(typeof(UnsubscribeBody))]
[JsonSerializable(typeof(DisconnectBody))]
[JsonSerializable(typeof(RefreshBody))]
[JsonSerializable(typeof(ChannelBody))]
[JsonSerializable(typeof(HistoryBody))]
[JsonSerializable(typeof(ChannelsBody))]
[JsonSerializable(typeof(InfoBody))]
[JsonSerializable(typeof(ExplainBody))]
[JsonSerializable(typeof(RpcBody))]
[JsonSerializable(typeof(BatchBody))]
[JsonSerializable(typeof(BlockUserBody))]
[JsonSerializable(typeof(RevokeTokenBody))]
[JsonSerializable(typeof(InvalidateUserTokensBody))]
[JsonSerializable(typeof(ClusterNodeBody))]
internal sealed partial class ApiJson : JsonSerializerContext;
