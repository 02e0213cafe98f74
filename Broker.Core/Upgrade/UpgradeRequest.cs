using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Broker.Core.Upgrade;

/// <summary>The head of one HTTP/1 request, read by <see cref="UpgradeReader"/>; shares no bytes with the wire.</summary>
/// <remarks>It is well formed as HTTP; whether it may be upgraded is judged by <see cref="UpgradeRules"/>.</remarks>
public sealed class UpgradeRequest
{
    private readonly byte[] _fieldSection;
    private readonly UpgradeFields _fields;

    internal UpgradeRequest(byte[] fieldSection, UpgradeFields fields)
    {
        _fieldSection = fieldSection;
        _fields = fields;
    }

    /// <summary>The method, in the case it came in: methods are case-sensitive.</summary>
    public required string Method { get; init; }

    /// <summary>The minor version x of HTTP/1.x. 1 and above use HTTP/1.1.</summary>
    public required int HttpMinorVersion { get; init; }

    /// <summary>The path as written, percent-encoding and dots included; starts with a slash.</summary>
    public required string Path { get; init; }

    /// <summary>The query as written, without its question mark; empty where there is none.</summary>
    public required string Query { get; init; }

    /// <summary>
    /// Host and perhaps port: of an absolute target where there is one, else of the Host field; empty in HTTP/1.0 without either.
    /// </summary>
    public required string Host { get; init; }

    /// <summary>The origin of the page behind the client, or <c>null</c> from a client that is no browser.</summary>
    public string? Origin => _fields.Origin;

    /// <summary>The value of Sec-WebSocket-Key, or <c>null</c>; repeated lines are joined by a comma.</summary>
    public string? Key => _fields.Key;

    /// <summary>The value of Sec-WebSocket-Version, or <c>null</c>; repeated lines are joined by a comma.</summary>
    public string? Version => _fields.Version;

    /// <summary>Whether Upgrade lists <c>websocket</c> and Connection lists <c>upgrade</c>, in any case. RFC 6455 section 4.2.1.</summary>
    public bool WantsWebSocket => _fields.UpgradesToWebSocket && _fields.ConnectionUpgrades;

    /// <summary>The subprotocols offered: unique tokens, 32 at the most, in the client's order of preference.</summary>
    public IReadOnlyList<string> Subprotocols => _fields.Subprotocols;

    /// <summary>The value of Sec-WebSocket-Extensions as written, or <c>null</c>; repeated lines are joined by a comma.</summary>
    public string? Extensions => _fields.Extensions;

    /// <summary>Whether content follows the head: Content-Length over 0, or Transfer-Encoding.</summary>
    public bool HasBody => _fields.HasBody;

    /// <summary>Looks a field up, case-insensitively, by walking the head: cheap, but not for every message.</summary>
    /// <param name="name">The field's name.</param>
    /// <param name="value">The value as Latin-1; repeated lines are joined by a comma, in order.</param>
    public bool TryGetHeader(string name, [NotNullWhen(true)] out string? value)
    {
        value = null;
        var lines = new FieldLines(_fieldSection);
        while (lines.TryNext(out ReadOnlySpan<byte> lineName, out ReadOnlySpan<byte> lineValue))
        {
            if (!Ascii.EqualsIgnoreCase(lineName, name)) continue;
            string text = Encoding.Latin1.GetString(lineValue);
            value = value is null ? text : $"{value}, {text}";
        }

        return value is not null;
    }
}
