using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Broker.Core.Upgrade;

/// <summary>Writes the answer to an upgrade request: the switch to frames, or a refusal. RFC 6455 section 4.2.2.</summary>
/// <remarks>
/// A refusal carries no Date: there is no clock here, and "an origin server without a clock MUST NOT generate a Date
/// header field" (RFC 9110 section 6.6.1).
/// </remarks>
public static class UpgradeResponse
{
    /// <summary>Room that every refusal fits in.</summary>
    public const int RefusalBytesMax = 1024;

    /// <summary>Room for a switch, beside what its subprotocol and its extensions take.</summary>
    public const int SwitchBytesMax = 256;

    private const int ReasonBytesMax = 512;

    /// <summary>Writes status 101. Allocates nothing.</summary>
    /// <param name="target">At least <see cref="SwitchBytesMax"/> bytes and the two values.</param>
    /// <param name="key">Sec-WebSocket-Key as the client sent it, judged by <see cref="UpgradeRules"/>.</param>
    /// <param name="subprotocol">The one chosen of those offered, or <c>null</c>.</param>
    /// <param name="extensions">What was agreed of the extensions offered, or <c>null</c>.</param>
    /// <param name="written">Bytes written; 0 when the target is too short.</param>
    /// <exception cref="ArgumentException">A value could not stand in its field, so the request was not judged.</exception>
    public static bool TryWriteSwitch(Span<byte> target, string key, string? subprotocol, string? extensions, out int written)
    {
        if (key.Length != 24) throw new ArgumentException("The key is not 24 characters.", nameof(key));
        if (subprotocol is not null && !HttpText.IsToken(subprotocol)) throw new ArgumentException("Not a token.", nameof(subprotocol));
        if (extensions.AsSpan().ContainsAnyExcept(HttpText.VisibleCharacters))
            throw new ArgumentException("Not a field value.", nameof(extensions));

        Span<byte> accept = stackalloc byte[28];
        Accept(key, accept);

        var writer = new AsciiWriter(target);
        writer.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "u8);
        writer.Write(accept);
        if (subprotocol is not null)
        {
            writer.Write("\r\nSec-WebSocket-Protocol: "u8);
            writer.Write(subprotocol);
        }

        if (extensions is not null)
        {
            writer.Write("\r\nSec-WebSocket-Extensions: "u8);
            writer.Write(extensions);
        }

        writer.Write("\r\n\r\n"u8);
        written = writer.Position;
        return writer.Fits;
    }

    /// <summary>Writes a refusal, after which the connection is closed.</summary>
    /// <param name="target">At least <see cref="RefusalBytesMax"/> bytes.</param>
    /// <param name="fault">The status and the sentence for the body, which is cut at 512 characters.</param>
    /// <param name="written">Bytes written; 0 when the target is too short.</param>
    public static bool TryWriteRefusal(Span<byte> target, UpgradeFault fault, out int written)
    {
        ReadOnlySpan<char> reason = fault.Reason.AsSpan(0, Math.Min(fault.Reason.Length, ReasonBytesMax));

        var writer = new AsciiWriter(target);
        writer.Write("HTTP/1.1 "u8);
        writer.Write(fault.Status);
        writer.Write(PhraseOf(fault.Status));
        writer.Write(FieldsOf(fault.Status));
        if (fault.RetryAfter is { } pause)
        {
            writer.Write("Retry-After: "u8);
            writer.Write((long)Math.Ceiling(Math.Max(0, pause.TotalSeconds)));
            writer.Write("\r\n"u8);
        }

        writer.Write("Content-Type: text/plain\r\nContent-Length: "u8);
        writer.Write(reason.Length + 1);
        writer.Write("\r\n\r\n"u8);
        if (!fault.Bodyless)
        {
            writer.Write(reason);
            writer.Write("\n"u8);
        }

        written = writer.Position;
        return writer.Fits;
    }

    /// <summary>The value of Sec-WebSocket-Accept for a key.</summary>
    /// <param name="key">Sec-WebSocket-Key as the client sent it, judged by <see cref="UpgradeRules"/>.</param>
    public static string AcceptOf(string key)
    {
        if (key.Length != 24) throw new ArgumentException("The key is not 24 characters.", nameof(key));
        Span<byte> accept = stackalloc byte[28];
        Accept(key, accept);
        return Encoding.ASCII.GetString(accept);
    }

    // "base64-encoding ... the SHA-1 hash" of the key and the GUID of section 1.3. SHA-1 proves here that the other
    // side uses WebSocket, and keeps no secret.
    private static void Accept(string key, Span<byte> accept)
    {
        Span<byte> challenge = stackalloc byte[60];
        Encoding.ASCII.GetBytes(key, challenge);
        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8.CopyTo(challenge[24..]);

        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // The RFC fixes the hash.
        SHA1.HashData(challenge, hash);
#pragma warning restore CA5350
        Base64.EncodeToUtf8(hash, accept, out _, out _);
    }

    private static ReadOnlySpan<byte> PhraseOf(int status) => status switch
    {
        400 => " Bad Request\r\n"u8,
        401 => " Unauthorized\r\n"u8,
        403 => " Forbidden\r\n"u8,
        404 => " Not Found\r\n"u8,
        405 => " Method Not Allowed\r\n"u8,
        408 => " Request Timeout\r\n"u8,
        426 => " Upgrade Required\r\n"u8,
        429 => " Too Many Requests\r\n"u8,
        431 => " Request Header Fields Too Large\r\n"u8,
        503 => " Service Unavailable\r\n"u8,
        505 => " HTTP Version Not Supported\r\n"u8,
        _ => " Refused\r\n"u8,
    };

    private static ReadOnlySpan<byte> FieldsOf(int status) => status switch
    {
        // "The origin server MUST generate an Allow header field in a 405 response", RFC 9110 section 15.5.6.
        405 => "Allow: GET\r\nConnection: close\r\n"u8,

        // "The server MUST send an Upgrade header field in a 426 response", section 15.5.22, and with it the option in
        // Connection, section 7.8; "and a |Sec-WebSocket-Version| header field", RFC 6455 section 4.2.2.
        426 => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n"u8,

        _ => "Connection: close\r\n"u8,
    };
}
