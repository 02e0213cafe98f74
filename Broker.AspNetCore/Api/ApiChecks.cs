using Broker.Actors.Api;
using Broker.Actors.Sessions;
using System.Runtime.InteropServices;
using System.Text.Json;
using Broker.Actors.Model;
using Broker.Identity;

namespace Broker.AspNetCore.Api;

/// <summary>Members of requests as the hub takes them, or an error 107 that names the member.</summary>
internal static class ApiChecks
{
    private const long SecondsMax = 253_402_300_799; // The end of the year 9999.

    internal static string Channel(string? channel) => Text(channel, "channel");

    internal static string Text(string? text, string name) =>
        string.IsNullOrEmpty(text) ? throw new ApiException(ApiError.BadRequest($"{name} is missing")) : text;

    internal static PublishRequest Publication(PublicationBody body)
    {
        ReadOnlyMemory<byte> data = Bytes(body.Data, body.BinaryData);
        if (data.IsEmpty) throw new ApiException(ApiError.BadRequest("data is missing"));
        return new PublishRequest(data)
        {
            IsJson = body.BinaryData is not { Length: > 0 },
            Tags = body.Tags is null ? [] : [.. body.Tags],
            SkipHistory = body.SkipHistory,
            Delta = body.Delta,
            IdempotencyKey = string.IsNullOrEmpty(body.IdempotencyKey) ? null : body.IdempotencyKey,
            Version = body.Version,
            VersionEpoch = string.IsNullOrEmpty(body.VersionEpoch) ? null : body.VersionEpoch,
        };
    }

    /// <summary>A member that is any JSON, or bytes in base64, which count first.</summary>
    internal static ReadOnlyMemory<byte> Bytes(JsonElement? json, byte[]? binary) =>
        binary is { Length: > 0 } ? binary
        : json is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } element
        ? JsonMarshal.GetRawUtf8Value(element).ToArray()
        : default;

    internal static DateTimeOffset? Time(long seconds, string name) =>
        seconds == 0 ? null
        : seconds is > 0 and <= SecondsMax ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : throw new ApiException(ApiError.BadRequest($"{name} is not a time in seconds"));

    internal static StreamPosition Position(PositionBody position) =>
        new(StreamEpoch.Read(System.Text.Encoding.UTF8.GetBytes(position.Epoch ?? "")), position.Offset);

    // An empty user is the anonymous ones, so it has to be written: a dropped member must not disconnect them all.
    internal static UserConnections Connections(ConnectionsBody body) =>
        new(body.User ?? throw new ApiException(ApiError.BadRequest("user is missing")), string.IsNullOrEmpty(body.Client) ? null
            : body.Client);

    /// <summary>Writes bytes as the JSON that they are, or as base64 under a name with <c>b64</c> before it.</summary>
    internal static void WriteBytes(Utf8JsonWriter writer, string name, ReadOnlyMemory<byte> bytes)
    {
        if (JsonText.IsValue(bytes.Span))
        {
            writer.WritePropertyName(name);
            writer.WriteRawValue(bytes.Span, skipInputValidation: true);
        }
        else
        {
            writer.WriteBase64String($"b64{name}", bytes.Span);
        }
    }
}
