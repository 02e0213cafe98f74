using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Broker.Tests.Conformance.Wire;

/// <summary>Turns a server's frames into whole messages and judges what only the sequence of frames shows.</summary>
/// <param name="inflater">The client's decompressor, or null without permessage-deflate.</param>
public sealed class ServerMessages(MessageInflater? inflater)
{
    private readonly MemoryStream _parts = new();
    private ServerFrame? _first;   // While a message is open.

    /// <summary>Adds a data frame.</summary>
    /// <returns>The message that it ends, or null while more fragments are due.</returns>
    /// <exception cref="ServerViolationException">Fragments out of order, broken compression or broken UTF-8.</exception>
    public Received? Add(ServerFrame frame)
    {
        if (frame.Opcode == 0 && _first is null) throw new ServerViolationException(1002, "a continuation continues nothing");
        if (frame.Opcode != 0 && _first is not null) throw new ServerViolationException(1002, "a message starts inside another");

        _first ??= frame;
        if (frame.Final && frame.Opcode != 0) return Finish(frame, frame.Payload);

        _parts.Write(frame.Payload);
        if (!frame.Final) return null;

        Received whole = Finish(_first, _parts.ToArray());
        _parts.SetLength(0);
        return whole;
    }

    /// <summary>Reads the payload of a close frame. RFC 6455 sections 5.5.1 and 7.4.</summary>
    /// <exception cref="ServerViolationException">One octet, a code not allowed on the wire, or a reason that is not UTF-8.</exception>
    public static ServerClose ReadClose(byte[] payload)
    {
        if (payload.Length == 0) return new ServerClose(null, "");
        if (payload.Length == 1) throw new ServerViolationException(1002, "a close frame has a payload of one octet");

        int code = BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (code is not (>= 1000 and <= 1003 or >= 1007 and <= 1014 or >= 3000 and <= 4999))
        {
            throw new ServerViolationException(1002, $"close code {code} is not allowed on the wire");
        }

        CheckUtf8(payload.AsSpan(2), "a close reason is not UTF-8");
        return new ServerClose(code, Encoding.UTF8.GetString(payload.AsSpan(2)));
    }

    private Received Finish(ServerFrame first, byte[] payload)
    {
        _first = null;
        if (first.Compressed) payload = inflater!.Decompress(payload);
        if (first.Opcode == 1) CheckUtf8(payload, "a text message is not UTF-8");
        return new Received((ReceivedKind)first.Opcode, payload);
    }

    private static void CheckUtf8(ReadOnlySpan<byte> octets, string rule)
    {
        if (!Utf8.IsValid(octets)) throw new ServerViolationException(1007, rule);
    }
}
