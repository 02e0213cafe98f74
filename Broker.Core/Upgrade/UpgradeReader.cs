using System.Buffers;
using System.Text;

namespace Broker.Core.Upgrade;

/// <summary>Reads one HTTP/1 request head out of borrowed wire bytes. RFC 9112 sections 2 to 5.</summary>
/// <param name="wire">Everything received so far, from the first byte of the connection.</param>
/// <param name="headBytesMax">The longest head, its empty line included; over 0.</param>
/// <param name="scannedBytes">
/// The length of the wire that an earlier call answered with <c>NeedMoreData</c>: those bytes are not searched again, so
/// that a head which comes byte by byte costs one pass and not the square of its length.
/// </param>
public ref struct UpgradeReader(ReadOnlySpan<byte> wire, int headBytesMax, int scannedBytes = 0)
{
    private readonly ReadOnlySpan<byte> _wire = wire;

    /// <summary>Bytes of the head; what lies behind belongs to the frame engine. Stays 0 on any answer but <c>Done</c>.</summary>
    public int Position { get; private set; }

    /// <summary>Why the head was refused, after <c>InvalidData</c>: 431 for its length, 505 for its version, else 400.</summary>
    public UpgradeFault Fault { get; private set; }

    /// <summary>Reads the head.</summary>
    /// <param name="request">The request, or <c>null</c> on any answer but <c>Done</c>.</param>
    /// <returns>
    /// <c>Done</c>: <see cref="Position"/> is the length of the head.
    /// <c>NeedMoreData</c>: the wire ends inside the head; call again with more, and this wire's length as scanned.
    /// <c>InvalidData</c>: no wire that starts like this is a request; send <see cref="Fault"/> and close.
    /// </returns>
    public OperationStatus ReadHead(out UpgradeRequest? request)
    {
        request = null;
        ReadOnlySpan<byte> seen = _wire[..Math.Min(_wire.Length, headBytesMax)];

        // "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line
        // (CRLF) received prior to the request-line", section 2.2.
        int start = seen.StartsWith("\r\n"u8) ? 2 : 0;
        switch (FindEnd(seen, start, out int end))
        {
            case OperationStatus.Done:
                request = ReadLines(seen[start..end]);
                if (request is null) return OperationStatus.InvalidData;
                Position = end;
                return OperationStatus.Done;
            case OperationStatus.NeedMoreData when _wire.Length >= headBytesMax:
                Fault = new UpgradeFault(431, $"The head of the request passes {headBytesMax} bytes.");
                return OperationStatus.InvalidData;
            case OperationStatus other:
                return other;
        }
    }

    private OperationStatus FindEnd(ReadOnlySpan<byte> seen, int start, out int end)
    {
        end = 0;
        bool waitsForFirst = seen.Length == start || seen is [(byte)'\r'];
        if (waitsForFirst) return OperationStatus.NeedMoreData;

        // A TLS greeting or a line of noise is refused by its first byte, and not by a deadline.
        if (!HttpText.IsTokenByte(seen[start])) return Refuse("The request does not start with a method (RFC 9112 section 3).");

        int next = Math.Clamp(scannedBytes, start, seen.Length);
        for (int step = seen[next..].IndexOf((byte)'\n'); step >= 0; step = seen[next..].IndexOf((byte)'\n'))
        {
            int feed = next + step;
            if (seen[feed - 1] != '\r') return Refuse("A line ends in a bare LF (RFC 9112 section 2.2).");

            next = end = feed + 1;
            if (seen[feed - 2] == '\n') return OperationStatus.Done;
        }

        return OperationStatus.NeedMoreData;
    }

    private UpgradeRequest? ReadLines(ReadOnlySpan<byte> head)
    {
        int lineLength = head.IndexOf("\r\n"u8);
        ReadOnlySpan<byte> line = head[..lineLength];
        ReadOnlySpan<byte> fieldSection = head[(lineLength + 2)..];

        // "request-line = method SP request-target SP HTTP-version", section 3.
        int methodLength = line.IndexOf((byte)' ');
        int versionStart = line.LastIndexOf((byte)' ') + 1;
        if (methodLength <= 0 || versionStart <= methodLength + 2 || !HttpText.IsToken(line[..methodLength]))
        {
            Refuse("The request line is not a method, a target and a version (RFC 9112 section 3).");
            return null;
        }

        if (!TryReadVersion(line[versionStart..], out int minorVersion)) return null;
        if (!RequestTarget.TryRead(line[(methodLength + 1)..(versionStart - 1)], out RequestTarget target))
        {
            Refuse("The request target is neither a path nor an http URI (RFC 9112 section 3.2).");
            return null;
        }

        var fields = new UpgradeFields();
        if (!TryReadFields(fieldSection, fields) || !TryReadHost(target, fields, minorVersion, out string host)) return null;

        return new UpgradeRequest(fieldSection.ToArray(), fields)
        {
            Method = MethodText(line[..methodLength]),
            HttpMinorVersion = minorVersion,
            Path = Encoding.ASCII.GetString(target.Path),
            Query = Encoding.ASCII.GetString(target.Query),
            Host = host,
        };
    }

    // "HTTP-version = HTTP-name "/" DIGIT "." DIGIT", section 2.3; it is case-sensitive.
    private bool TryReadVersion(ReadOnlySpan<byte> version, out int minor)
    {
        minor = 0;
        bool wellFormed = version.Length == 8 && version.StartsWith("HTTP/"u8) && version[6] == '.'
            && char.IsAsciiDigit((char)version[5]) && char.IsAsciiDigit((char)version[7]);
        if (!wellFormed)
        {
            Refuse("The request line does not end in an HTTP version (RFC 9112 section 2.3).");
            return false;
        }

        minor = version[7] - '0';
        if (version[5] == '1') return true;

        // "the server does not support, or refuses to support, the major version of HTTP", RFC 9110 section 15.6.6.
        Fault = new UpgradeFault(505, "This port speaks HTTP/1.1 (RFC 9110 section 15.6.6).");
        return false;
    }

    private bool TryReadFields(ReadOnlySpan<byte> section, UpgradeFields fields)
    {
        var lines = new FieldLines(section);
        while (lines.TryNext(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (fields.CheckNext(name, value) is not { } broken) continue;
            Refuse(broken);
            return false;
        }

        if (lines.Reason.Length == 0) return true;
        Refuse(lines.Reason);
        return false;
    }

    private bool TryReadHost(RequestTarget target, UpgradeFields fields, int minorVersion, out string host)
    {
        host = fields.Host ?? "";
        if (fields.Host is null && minorVersion > 0)
        {
            Refuse("Host is missing (RFC 9112 section 3.2).");
            return false;
        }

        if (target.Authority.IsEmpty) return true;

        // "the origin server MUST ignore the received Host header field (if any) and instead use the host information
        // of the request-target", section 3.2.2.
        host = Encoding.Latin1.GetString(target.Authority);
        if (Authority.TryRead(host, out _)) return true;
        Refuse("The request target names no host and port (RFC 9112 section 3.2.2).");
        return false;
    }

    private OperationStatus Refuse(string reason)
    {
        Fault = new UpgradeFault(400, reason);
        return OperationStatus.InvalidData;
    }

    private static string MethodText(ReadOnlySpan<byte> method) =>
        method.SequenceEqual("GET"u8) ? "GET" : Encoding.ASCII.GetString(method);
}
