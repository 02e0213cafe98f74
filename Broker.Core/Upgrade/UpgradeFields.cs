using System.Text;

namespace Broker.Core.Upgrade;

/// <summary>Gathers, line by line, what the fields of a request say about an upgrade.</summary>
internal sealed class UpgradeFields
{
    /// <summary>The most subprotocols one request may offer; each is compared with every other.</summary>
    public const int SubprotocolsMax = 32;

    private List<string>? _subprotocols;

    /// <summary>The value of Host, or <c>null</c> without one.</summary>
    public string? Host { get; private set; }

    /// <summary>The value of Origin; several lines joined by commas, which no origin matches.</summary>
    public string? Origin { get; private set; }

    /// <summary>The value of Sec-WebSocket-Key; several lines joined by commas.</summary>
    public string? Key { get; private set; }

    /// <summary>The value of Sec-WebSocket-Version; several lines joined by commas.</summary>
    public string? Version { get; private set; }

    /// <summary>The value of Sec-WebSocket-Extensions; several lines joined by commas.</summary>
    public string? Extensions { get; private set; }

    /// <summary>The subprotocols in the order offered.</summary>
    public IReadOnlyList<string> Subprotocols => _subprotocols ?? (IReadOnlyList<string>)[];

    /// <summary>Whether Upgrade lists <c>websocket</c>.</summary>
    public bool UpgradesToWebSocket { get; private set; }

    /// <summary>Whether Connection lists <c>upgrade</c>.</summary>
    public bool ConnectionUpgrades { get; private set; }

    /// <summary>Whether Content-Length is over 0 or Transfer-Encoding is there.</summary>
    public bool HasBody { get; private set; }

    private bool HasLength { get; set; }

    private bool HasCoding { get; set; }

    /// <summary>Takes one field line.</summary>
    /// <returns>The sentence that the line breaks, or <c>null</c>.</returns>
    public string? CheckNext(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        switch (name.Length)
        {
            case 4 when Is(name, "host"u8):
                return CheckHost(value);
            case 6 when Is(name, "origin"u8):
                Origin = Joined(Origin, value);
                break;
            case 7 when Is(name, "upgrade"u8):
                UpgradesToWebSocket |= FieldList.Holds(value, "websocket"u8);
                break;
            case 10 when Is(name, "connection"u8):
                ConnectionUpgrades |= FieldList.Holds(value, "upgrade"u8);
                break;
            case 14 when Is(name, "content-length"u8):
                return CheckLength(value);
            case 17 when Is(name, "transfer-encoding"u8):
                HasCoding = HasBody = true;
                return CheckFraming();
            case 17 when Is(name, "sec-websocket-key"u8):
                Key = Joined(Key, value);
                break;
            case 21 when Is(name, "sec-websocket-version"u8):
                Version = Joined(Version, value);
                break;
            case 22 when Is(name, "sec-websocket-protocol"u8):
                return CheckSubprotocols(value);
            case 24 when Is(name, "sec-websocket-extensions"u8):
                Extensions = Joined(Extensions, value);
                break;
        }

        return null;
    }

    private string? CheckHost(ReadOnlySpan<byte> value)
    {
        // "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a
        // Host header field and to any request message that contains more than one Host header field line or a Host
        // header field with an invalid field value", RFC 9112 section 3.2.
        if (Host is not null) return "Host stands there twice (RFC 9112 section 3.2).";

        Host = Text(value);
        return Authority.TryRead(Host, out _) ? null : "Host is not a host and a port (RFC 9112 section 3.2).";
    }

    private string? CheckLength(ReadOnlySpan<byte> value)
    {
        // A repeated length is refused even where it repeats itself, which RFC 9110 section 8.6 leaves to the recipient.
        // Whether the number is 0 is all that is asked, so none is too large.
        if (HasLength || value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return "Content-Length is not one decimal number (RFC 9110 section 8.6).";
        }

        HasLength = true;
        HasBody |= value.ContainsAnyExcept((byte)'0');
        return CheckFraming();
    }

    // "A server MAY reject a request that contains both Content-Length and Transfer-Encoding", RFC 9112 section 6.1:
    // two readings of where a request ends are how requests are smuggled.
    private string? CheckFraming() => HasLength && HasCoding
        ? "Content-Length and Transfer-Encoding exclude each other (RFC 9112 section 6.1)."
        : null;

    private string? CheckSubprotocols(ReadOnlySpan<byte> value)
    {
        _subprotocols ??= [];
        var list = new FieldList(value);
        while (list.TryNext(out ReadOnlySpan<byte> element))
        {
            // "The elements that comprise this value MUST be non-empty strings with characters in the range U+0021 to
            // U+007E not including separator characters ... and MUST all be unique strings", RFC 6455 section 4.1.
            if (!HttpText.IsToken(element)) return "A subprotocol is not a token (RFC 6455 section 4.1).";
            if (_subprotocols.Count == SubprotocolsMax) return $"More than {SubprotocolsMax} subprotocols are offered.";

            string subprotocol = Text(element);
            if (_subprotocols.Contains(subprotocol)) return "A subprotocol is offered twice (RFC 6455 section 4.1).";
            _subprotocols.Add(subprotocol);
        }

        return _subprotocols.Count > 0 ? null : "Sec-WebSocket-Protocol offers nothing (RFC 6455 section 11.3.4).";
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known) => Ascii.EqualsIgnoreCase(name, known);

    // "A recipient MAY combine multiple field lines within a field section that have the same field name into one
    // field line, ... separated by a comma", RFC 9110 section 5.3.
    private static string Joined(string? before, ReadOnlySpan<byte> value) =>
        before is null ? Text(value) : $"{before}, {Text(value)}";

    // Bytes above ASCII are opaque (RFC 9110 section 5.5); Latin-1 keeps each of them as one character.
    private static string Text(ReadOnlySpan<byte> value) => Encoding.Latin1.GetString(value);
}
