using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Text;

namespace Broker.Core.Upgrade;

/// <summary>
/// Reads the header by which a proxy says, before the client's first byte, who the client is. The PROXY protocol, versions
/// 1 and 2, as HAProxy's <c>proxy-protocol.txt</c> has it. Copies nothing.
/// </summary>
/// <param name="wire">Everything received so far, from the first byte of the connection.</param>
public ref struct ProxyHeaderReader(ReadOnlySpan<byte> wire)
{
    /// <summary>The longest text header: "107 chars", its CRLF included. Section 2.1.</summary>
    public const int TextBytesMax = 107;

    /// <summary>The longest binary header that we take: two addresses, and room for what a proxy says about a certificate.</summary>
    public const int BinaryBytesMax = 4096;

    private const int FixedBytes = 16;
    private const int TypeBytes = 3;            // Of a TLV: its type and its length.
    private const byte ChecksumType = 0x03;

    private readonly ReadOnlySpan<byte> _wire = wire;

    private static ReadOnlySpan<byte> TextStart => "PROXY "u8;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Bytes of the header; the client's own begin behind it. Stays 0 on any answer but <c>Done</c>.</summary>
    public int Position { get; private set; }

    /// <summary>Why the header was refused, after <c>InvalidData</c>.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Reads the header.</summary>
    /// <param name="client">
    /// The client's address; or <c>null</c> where the proxy uses for itself (LOCAL, UNKNOWN, UNSPEC) or for a client
    /// without an IP address: the peer's own address counts then.
    /// </param>
    /// <returns>
    /// <c>Done</c>: <see cref="Position"/> is the length of the header.
    /// <c>NeedMoreData</c>: the wire ends inside the header; call again with more, from its first byte.
    /// <c>InvalidData</c>: no wire that starts like this is one; <see cref="Reason"/> says why. Close.
    /// </returns>
    public OperationStatus ReadHeader(out IPEndPoint? client)
    {
        client = null;
        if (StartsLike(Signature)) return _wire.Length < FixedBytes ? OperationStatus.NeedMoreData : ReadBinary(out client);
        if (StartsLike(TextStart)) return _wire.Length < TextStart.Length ? OperationStatus.NeedMoreData : ReadText(out client);
        return Refuse("This peer is configured as a proxy, and its connection starts with no PROXY header.");
    }

    // As far as there are bytes.
    private readonly bool StartsLike(ReadOnlySpan<byte> start) =>
        _wire.Length < start.Length ? start.StartsWith(_wire) : _wire.StartsWith(start);

    // "PROXY" SP "TCP4" or "TCP6" or "UNKNOWN", then two addresses and two ports, each behind one SP, then CRLF. Section 2.1.
    private OperationStatus ReadText(out IPEndPoint? client)
    {
        client = null;
        ReadOnlySpan<byte> seen = _wire[..Math.Min(_wire.Length, TextBytesMax)];
        int end = seen.IndexOfAny((byte)'\r', (byte)'\n');
        bool waits = (end < 0 || (end == seen.Length - 1 && seen[end] == '\r')) && seen.Length < TextBytesMax;
        if (waits) return OperationStatus.NeedMoreData;
        if (end < 0 || !seen[end..].StartsWith("\r\n"u8)) return Refuse($"A PROXY line does not end in CRLF within {TextBytesMax} bytes.");

        Span<char> text = stackalloc char[TextBytesMax];
        text = text[..Encoding.Latin1.GetChars(seen[TextStart.Length..end], text)];

        // "the receiver must ignore anything presented before the CRLF" behind UNKNOWN.
        bool isUnknown = text is "UNKNOWN" || text.StartsWith("UNKNOWN ");
        if (!isUnknown && !TryReadLine(text, out client)) return Refuse("A PROXY line names no two addresses and ports of TCP4 or TCP6.");
        Position = end + 2;
        return OperationStatus.Done;
    }

    private static bool TryReadLine(ReadOnlySpan<char> line, out IPEndPoint? client)
    {
        client = null;
        Span<Range> words = stackalloc Range[6];
        if (line.Split(words, ' ') != 5) return false;

        bool isSix = line[words[0]] is "TCP6";
        bool reads = (isSix || line[words[0]] is "TCP4")
            && IsOf(isSix, line[words[1]]) && AddressText.TryRead(line[words[1]], out IPAddress source)
            && IsOf(isSix, line[words[2]]) && AddressText.TryRead(line[words[2]], out _)
            && AddressText.TryReadPort(line[words[3]], out int port) && AddressText.TryReadPort(line[words[4]], out _)
            && (client = new IPEndPoint(source, port)) is not null;
        return reads;
    }

    private static bool IsOf(bool six, ReadOnlySpan<char> address) => address.Contains(':') == six;

    // The signature, version and command, family and transport, the length of the rest in two bytes, the rest. Section 2.2.
    private OperationStatus ReadBinary(out IPEndPoint? client)
    {
        client = null;
        int version = _wire[12] >> 4;
        int command = _wire[12] & 0b1111;
        int size = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(_wire[14..]);

        // "the receiver must drop connections presenting unexpected values here", of version and of command.
        if (version != 2 || command > 1) return Refuse("A PROXY header is of no known version and command.");
        if (size > BinaryBytesMax) return Refuse($"A PROXY header passes {BinaryBytesMax} bytes.");
        if (_wire.Length < size) return OperationStatus.NeedMoreData;

        // LOCAL: "the receiver must use the real connection endpoints and must discard the protocol block including the family".
        if (command == 1 && !TryReadBlock(_wire[..size], out client))
        {
            client = null;
            return OperationStatus.InvalidData;
        }

        Position = size;
        return OperationStatus.Done;
    }

    private bool TryReadBlock(ReadOnlySpan<byte> header, out IPEndPoint? client)
    {
        client = null;
        ReadOnlySpan<byte> block = header[FixedBytes..];
        switch (header[13])
        {
            // UNSPEC: "the receiver should ignore address information"; what the block holds is not said.
            case 0x00:
                return true;
            case 0x11 when block.Length >= 12:
                client = new IPEndPoint(new IPAddress(block[..4]), BinaryPrimitives.ReadUInt16BigEndian(block[8..]));
                return TryCheckRest(header, FixedBytes + 12);
            case 0x21 when block.Length >= 36:
                client = new IPEndPoint(AddressText.Plain(new IPAddress(block[..16])), BinaryPrimitives.ReadUInt16BigEndian(block[32..]));
                return TryCheckRest(header, FixedBytes + 36);

            // A client of the proxy's Unix socket has a path, and no address.
            case 0x31 when block.Length >= 216:
                return TryCheckRest(header, FixedBytes + 216);
            default:
                Refuse("A PROXY header is of no known family and transport, or too short for its addresses.");
                return false;
        }
    }

    // What follows the addresses is skipped, but for the checksum: "If the checksum is provided ... the receiver must
    // verify it".
    private bool TryCheckRest(ReadOnlySpan<byte> header, int start)
    {
        while (start < header.Length)
        {
            ReadOnlySpan<byte> rest = header[start..];
            if (rest.Length < TypeBytes || rest.Length - TypeBytes < BinaryPrimitives.ReadUInt16BigEndian(rest[1..]))
            {
                Refuse("A PROXY header ends inside one of its fields.");
                return false;
            }

            int length = BinaryPrimitives.ReadUInt16BigEndian(rest[1..]);
            if (rest[0] == ChecksumType
                && (length != 4 || BinaryPrimitives.ReadUInt32BigEndian(rest[TypeBytes..]) != ChecksumOf(header, start + TypeBytes)))
            {
                Refuse("A PROXY header does not have the checksum that it names.");
                return false;
            }

            start += TypeBytes + length;
        }

        return true;
    }

    // CRC32c over the whole header with the checksum's own four bytes as zeros. Section 2.2.3.
    private static uint ChecksumOf(ReadOnlySpan<byte> header, int at)
    {
        uint sum = ~0u;
        for (int i = 0; i < header.Length; i++) sum = BitOperations.Crc32C(sum, i >= at && i < at + 4 ? (byte)0 : header[i]);
        return ~sum;
    }

    private OperationStatus Refuse(string reason)
    {
        Reason = reason;
        return OperationStatus.InvalidData;
    }
}
