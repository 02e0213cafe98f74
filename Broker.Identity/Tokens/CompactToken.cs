using Broker.Identity.Keys;
using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Broker.Identity.Tokens;

/// <summary>A token cut into its parts, with its header read and nothing else: RFC 7515 section 3.1.</summary>
/// <remarks>
/// <code>
///   BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(signature)
///   |------------ SignedPart -----------|
/// </code>
/// The payload stays encoded: no one can use a claim before its signature has been verified.
/// </remarks>
public readonly ref struct CompactToken
{
    /// <summary>The longest encoded header: an algorithm, a key id and a few members that are ignored.</summary>
    public const int HeaderBytesMax = 2048;

    /// <summary>The longest encoded signature: RSA with 8192 bits has 1366 characters.</summary>
    public const int SignatureBytesMax = 2048;

    private static readonly SearchValues<byte> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."u8);

    private CompactToken(
        ReadOnlySpan<byte> signedPart, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> signature, TokenAlgorithm algorithm, string keyId)
    {
        SignedPart = signedPart;
        Payload = payload;
        Signature = signature;
        Algorithm = algorithm;
        KeyId = keyId;
    }

    /// <summary>What the signature covers: header and payload as they were sent.</summary>
    public ReadOnlySpan<byte> SignedPart { get; }

    /// <summary>The payload, still in base64url.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The signature, still in base64url.</summary>
    public ReadOnlySpan<byte> Signature { get; }

    /// <summary>The header's <c>alg</c>.</summary>
    public TokenAlgorithm Algorithm { get; }

    /// <summary>The header's <c>kid</c>; empty if it has none.</summary>
    public string KeyId { get; }

    /// <summary>Cuts a token and reads its header; reads no further than <paramref name="bytesMax"/> bytes.</summary>
    /// <param name="text">The token in ASCII.</param>
    /// <param name="bytesMax">The longest token.</param>
    /// <param name="token">The parts, which borrow <paramref name="text"/>.</param>
    /// <param name="fault">What is wrong with it, for the log; <c>null</c> on success.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, int bytesMax, out CompactToken token, out string? fault)
    {
        token = default;
        if (text.Length > bytesMax)
        {
            fault = $"it has {text.Length} bytes, more than {bytesMax}";
            return false;
        }

        int headerEnd = text.IndexOf((byte)'.');
        int payloadEnd = headerEnd < 0 ? -1 : headerEnd + 1 + text[(headerEnd + 1)..].IndexOf((byte)'.');
        if (payloadEnd <= headerEnd || text.IndexOfAnyExcept(Alphabet) >= 0 || text[(payloadEnd + 1)..].Contains((byte)'.'))
        {
            fault = "it is not three parts of base64url with dots between";
            return false;
        }

        ReadOnlySpan<byte> header = text[..headerEnd], payload = text[(headerEnd + 1)..payloadEnd], signature = text[(payloadEnd + 1)..];
        fault = header.IsEmpty || header.Length > HeaderBytesMax ? "its header is empty or too long"
            : payload.IsEmpty ? "its payload is empty"
            : signature.Length > SignatureBytesMax ? "its signature is too long"
            : ReadHeader(header, out TokenAlgorithm algorithm, out string keyId) is { } headerFault ? headerFault
            : signature.IsEmpty ? "it is not signed"
            : Accept(text[..payloadEnd], payload, signature, algorithm, keyId, out token);
        return fault is null;
    }

    /// <summary>Decodes a part.</summary>
    /// <param name="part">Base64url without padding.</param>
    /// <param name="target">Large enough for any part of that length.</param>
    /// <param name="length">Bytes decoded.</param>
    internal static bool TryDecode(ReadOnlySpan<byte> part, Span<byte> target, out int length) =>
        Base64Url.DecodeFromUtf8(part, target, out _, out length) == OperationStatus.Done;

    private static string? Accept(
        ReadOnlySpan<byte> signedPart, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> signature, TokenAlgorithm algorithm, string keyId,
            out CompactToken token)
    {
        token = new CompactToken(signedPart, payload, signature, algorithm, keyId);
        return null;
    }

    private static string? ReadHeader(ReadOnlySpan<byte> encoded, out TokenAlgorithm algorithm, out string keyId)
    {
        algorithm = TokenAlgorithm.Unknown;
        keyId = "";
        Span<byte> json = stackalloc byte[HeaderBytesMax];
        if (!TryDecode(encoded, json, out int length)) return "its header is not base64url";
        try
        {
            return ReadHeaderMembers(json[..length], out algorithm, out keyId);
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return "its header is not a JSON object";
        }
    }

    private static string? ReadHeaderMembers(ReadOnlySpan<byte> json, out TokenAlgorithm algorithm, out string keyId)
    {
        algorithm = TokenAlgorithm.Unknown;
        keyId = "";
        string? id = null;
        bool hasAlgorithm = false, isNone = false;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return "its header is not a JSON object";
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isAlgorithm = reader.ValueTextEquals("alg"u8), isKeyId = reader.ValueTextEquals("kid"u8);

            // "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS is
            // invalid", RFC 7515 section 4.1.11. None is.
            if (reader.ValueTextEquals("crit"u8)) return "its header has crit, and no extension is supported";
            reader.Read();
            if (isAlgorithm)
            {
                if (hasAlgorithm || reader.TokenType != JsonTokenType.String) return "its header has not one alg";
                hasAlgorithm = true;
                algorithm = TokenAlgorithms.Parse(reader.ValueSpan);
                isNone = Ascii.EqualsIgnoreCase(reader.ValueSpan, "none"u8);
            }
            else if (isKeyId)
            {
                if (id is not null || reader.TokenType != JsonTokenType.String) return "its header has not one kid";
                id = keyId = reader.GetString()!;
            }
            else
            {
                reader.Skip();
            }
        }

        while (reader.Read()) { }
        if (algorithm != TokenAlgorithm.Unknown) return null;
        return !hasAlgorithm ? "its header has no alg"
            : isNone ? "its algorithm is none, so it is not signed"
            : "its algorithm is not supported";
    }
}
