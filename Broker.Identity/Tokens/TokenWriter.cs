using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Broker.Identity.Keys;

namespace Broker.Identity.Tokens;

/// <summary>Writes tokens, for trying the hub out and for tests; applications sign theirs with a library of their own.</summary>
public static class TokenWriter
{
    private const int SignatureBytesMax = 64;

    /// <summary>Writes a connection token with HS256.</summary>
    /// <param name="secret">The secret that the hub has too.</param>
    /// <param name="user">The user; empty for an anonymous one.</param>
    /// <param name="issuedAt">Now.</param>
    /// <param name="expiresAt">When it expires; <c>null</c> for never.</param>
    public static string WriteConnection(string secret, string user, DateTimeOffset issuedAt, DateTimeOffset? expiresAt) =>
        Write(secret, user, channel: null, issuedAt, expiresAt);

    /// <summary>Writes a subscription token with HS256.</summary>
    /// <param name="secret">The secret that the hub has too.</param>
    /// <param name="user">The user; the same as the connection's.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="issuedAt">Now.</param>
    /// <param name="expiresAt">When it expires; <c>null</c> for never.</param>
    public static string WriteSubscription(
        string secret, string user, string channel, DateTimeOffset issuedAt, DateTimeOffset? expiresAt) =>
        Write(secret, user, channel, issuedAt, expiresAt);

    /// <summary>Signs any claims with HS256.</summary>
    public static string Sign(string secret, ReadOnlySpan<byte> claims)
    {
        string signedPart = $"{Base64Url.EncodeToString("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"u8)}.{Base64Url.EncodeToString(claims)}";
        Span<byte> signature = stackalloc byte[SignatureBytesMax];
        int length = new HmacKey(secret).Sign(TokenAlgorithm.HS256, Encoding.ASCII.GetBytes(signedPart), signature);
        return $"{signedPart}.{Base64Url.EncodeToString(signature[..length])}";
    }

    private static string Write(string secret, string user, string? channel, DateTimeOffset issuedAt, DateTimeOffset? expiresAt)
    {
        var claims = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(claims))
        {
            writer.WriteStartObject();
            writer.WriteString("sub"u8, user);
            if (channel is not null) writer.WriteString("channel"u8, channel);
            writer.WriteNumber("iat"u8, issuedAt.ToUnixTimeSeconds());
            if (expiresAt is { } end) writer.WriteNumber("exp"u8, end.ToUnixTimeSeconds());
            writer.WriteEndObject();
        }

        return Sign(secret, claims.WrittenSpan);
    }
}
