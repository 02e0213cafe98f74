using System.Buffers.Binary;

namespace Broker.Tests.Conformance.Wire;

/// <summary>One frame of the server, its header already judged.</summary>
/// <param name="Opcode">A defined opcode.</param>
/// <param name="Final">The FIN bit.</param>
/// <param name="Compressed">RSV1, which only a negotiated permessage-deflate lets through.</param>
/// <param name="Payload">Owned by the frame.</param>
public sealed record ServerFrame(int Opcode, bool Final, bool Compressed, byte[] Payload)
{
    /// <summary>Whether the frame is a close, a ping or a pong.</summary>
    public bool IsControl => Opcode >= WireFrame.CloseOpcode;
}

/// <summary>The server broke a rule of the protocol; the client fails the connection.</summary>
/// <param name="code">The close code for it: 1002 or 1007.</param>
/// <param name="rule">The rule, as the report prints it.</param>
public sealed class ServerViolationException(int code, string rule) : Exception(rule)
{
    /// <summary>The close code for it: 1002 or 1007.</summary>
    public int Code { get; } = code;
}

/// <summary>Reads the frames of a server and refuses whatever RFC 6455 section 5.2 forbids it to send.</summary>
/// <param name="source">The server's octets from the end of its handshake on; best buffered.</param>
/// <param name="deflateAgreed">Whether RSV1 has a meaning.</param>
public sealed class ServerFrameReader(Stream source, bool deflateAgreed)
{
    private const long PayloadOctetsMax = 64 << 20;   // Four times the longest echo of the suite.

    private readonly byte[] _header = new byte[10];

    /// <summary>Reads the next frame.</summary>
    /// <returns>The frame, or null if the stream ended before its first octet.</returns>
    /// <exception cref="ServerViolationException">The frame breaks a rule.</exception>
    /// <exception cref="IOException">The stream ended inside the frame, or was reset.</exception>
    public async Task<ServerFrame?> ReadAsync(CancellationToken stop)
    {
        if (await source.ReadAsync(_header.AsMemory(0, 1), stop) == 0) return null;
        await source.ReadExactlyAsync(_header.AsMemory(1, 1), stop);
        CheckFirstOctets(_header[0], _header[1]);

        var payload = new byte[await ReadLengthAsync(stop)];
        await source.ReadExactlyAsync(payload, stop);
        return new ServerFrame(_header[0] & 15, (_header[0] & 0x80) != 0, (_header[0] & 0x40) != 0, payload);
    }

    private void CheckFirstOctets(byte first, byte second)
    {
        int opcode = first & 15;
        bool final = (first & 0x80) != 0;
        bool control = opcode >= WireFrame.CloseOpcode;

        if ((first & 0x30) != 0) throw Broken("RSV2 or RSV3 is set");
        if ((first & 0x40) != 0 && !deflateAgreed) throw Broken("RSV1 is set, but no extension was agreed");
        if ((first & 0x40) != 0 && opcode is not (1 or 2)) throw Broken("RSV1 is set on a frame that starts no message");
        if (opcode is > 2 and < WireFrame.CloseOpcode or > WireFrame.PongOpcode) throw Broken($"opcode {opcode} is reserved");
        if ((second & 0x80) != 0) throw Broken("a server's frame is masked");
        if (control && !final) throw Broken("a control frame is fragmented");
        if (control && (second & 0x7f) > 125) throw Broken("a control frame is longer than 125 octets");
    }

    private async Task<long> ReadLengthAsync(CancellationToken stop)
    {
        int code = _header[1] & 0x7f;
        if (code < 126) return code;

        int size = code == 126 ? 2 : 8;
        await source.ReadExactlyAsync(_header.AsMemory(2, size), stop);
        long length = code == 126
            ? BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2))
            : BinaryPrimitives.ReadInt64BigEndian(_header.AsSpan(2));

        if (length < (code == 126 ? 126 : 65536)) throw Broken("a length is not in its shortest form");
        if (length > PayloadOctetsMax) throw Broken($"a frame announces {length} octets");
        return length;
    }

    private static ServerViolationException Broken(string rule) => new(1002, rule);
}
