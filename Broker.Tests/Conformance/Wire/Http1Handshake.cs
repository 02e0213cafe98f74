using System.Security.Cryptography;
using System.Text;

namespace Broker.Tests.Conformance.Wire;

/// <summary>The opening handshake did not end as RFC 6455 section 4.1 asks.</summary>
public sealed class HandshakeException(string reason) : Exception(reason);

/// <summary>The opening handshake over HTTP/1.1, and the client's checks of its answer.</summary>
public static class Http1Handshake
{
    private const int HeaderOctetsMax = 16 * 1024;
    private const string AcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Asks for the upgrade and reads the answer up to its empty line.</summary>
    /// <param name="source">The server's octets, buffered: what follows the answer stays in it.</param>
    /// <param name="target">Where the request goes.</param>
    /// <param name="endpoint">Host and path.</param>
    /// <param name="extensionOffer">The value of Sec-WebSocket-Extensions, or null for none.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <returns>The extensions that the server accepted, or null.</returns>
    /// <exception cref="HandshakeException">The answer is not the one that the request demands.</exception>
    public static async Task<string?> PerformAsync(
        Stream source, Stream target, Uri endpoint, string? extensionOffer, CancellationToken stop)
    {
        string key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        await target.WriteAsync(Encoding.ASCII.GetBytes(Request(endpoint, key, extensionOffer)), stop);

        string[] lines = (await ReadHeaderAsync(source, stop)).Split("\r\n");
        if (!lines[0].StartsWith("HTTP/1.1 101", StringComparison.Ordinal)) throw new HandshakeException($"answered '{lines[0]}'");
        ILookup<string, string> fields = lines[1..].Select(Field).ToLookup(f => f.Name, f => f.Value);

        CheckFields(fields, key);
        string[] extensions = [.. fields["sec-websocket-extensions"]];
        if (extensions.Length > 0 && extensionOffer is null) throw new HandshakeException("an extension was accepted that was not offered");
        return extensions.Length == 0 ? null : string.Join(",", extensions);
    }

    private static string Request(Uri endpoint, string key, string? extensionOffer)
    {
        string extensions = extensionOffer is null ? "" : $"Sec-WebSocket-Extensions: {extensionOffer}\r\n";
        return $"GET {endpoint.PathAndQuery} HTTP/1.1\r\nHost: {endpoint.Authority}\r\n"
            + "Upgrade: WebSocket\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
            + $"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{extensions}User-Agent: Broker.Conformance\r\n\r\n";
    }

    private static void CheckFields(ILookup<string, string> fields, string key)
    {
        // Section 1.3: SHA-1 here proves that the answer belongs to the request; it protects nothing.
#pragma warning disable CA5350
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + AcceptGuid)));
#pragma warning restore CA5350

        if (!fields["upgrade"].Any(v => v.Equals("websocket", StringComparison.OrdinalIgnoreCase)))
        {
            throw new HandshakeException("Upgrade is not 'websocket'");
        }

        if (!fields["connection"].SelectMany(v => v.Split(',', StringSplitOptions.TrimEntries))
            .Any(v => v.Equals("upgrade", StringComparison.OrdinalIgnoreCase)))
        {
            throw new HandshakeException("Connection does not contain 'Upgrade'");
        }

        if (!fields["sec-websocket-accept"].SequenceEqual([accept])) throw new HandshakeException("Sec-WebSocket-Accept is wrong");
        if (fields["sec-websocket-protocol"].Any()) throw new HandshakeException("a subprotocol was chosen that was not offered");
    }

    private static (string Name, string Value) Field(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) throw new HandshakeException($"not a header field: '{line}'");
#pragma warning disable CA1308 // Field names are compared in the form that HTTP/2 gives them.
        return (line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim());
#pragma warning restore CA1308
    }

    private static async Task<string> ReadHeaderAsync(Stream source, CancellationToken stop)
    {
        var header = new List<byte>();
        var octet = new byte[1];
        while (header.Count < HeaderOctetsMax)
        {
            if (await source.ReadAsync(octet, stop) == 0) throw new HandshakeException("the stream ended before the answer did");
            header.Add(octet[0]);
            if (header is [.., (byte)'\r', (byte)'\n', (byte)'\r', (byte)'\n']) return Encoding.ASCII.GetString([.. header]).TrimEnd();
        }

        throw new HandshakeException($"the answer is longer than {HeaderOctetsMax} octets");
    }
}
