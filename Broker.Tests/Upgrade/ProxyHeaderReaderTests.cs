using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using Broker.Core.Upgrade;
using Broker.Tests.Support;
using CsCheck;

namespace Broker.Tests.Upgrade;

public sealed class ProxyHeaderReaderTests
{
    private const string Signature = "0D0A0D0A000D0A515549540A";
    private const string Four = "C0000201 C6336401 1267 01BB";            // 192.0.2.1 to 198.51.100.1, 4711 to 443.
    private const string Six = "20010DB8000000000000000000000001 20010DB8000000000000000000000002 1267 01BB";

    /// <summary>Whole headers, and the client that each names.</summary>
    public static TheoryData<string, string?> Whole => new()
    {
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n"), "192.0.2.1:4711" },
        { Text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535" },
        { Text("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0:0" },
        { Text("PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n"), "[2001:db8::1]:4711" },
        { Text("PROXY TCP6 ::ffff:192.0.2.1 ::1 4711 443\r\n"), "192.0.2.1:4711" },
        { Text($"PROXY TCP6 {s_long} {s_long} 65535 65535\r\n"), $"[{s_long}]:65535" },
        { Text("PROXY UNKNOWN\r\n"), null },
        { Text($"PROXY UNKNOWN {s_long} {s_long} 65535 65535\r\n"), null },           // 107 bytes, the longest.
        { Text("PROXY UNKNOWN what, ever\t\0\r\n"), null },
        { $"{Signature} 21 11 000C {Four}", "192.0.2.1:4711" },
        { $"{Signature} 21 21 0024 {Six}", "[2001:db8::1]:4711" },
        { $"{Signature} 20 00 0000", null },                                           // LOCAL, as health checks come.
        { $"{Signature} 20 11 000C {Four}", null },
        { $"{Signature} 20 FF 0003 FFFFFF", null },                                    // Its block is discarded, family and all.
        { $"{Signature} 21 00 0000", null },
        { $"{Signature} 21 00 0003 FFFFFF", null },
        { $"{Signature} 21 31 00D8 {new string('0', 432)}", null },                    // A client of a Unix socket.
        { $"{Signature} 21 11 0016 {Four} 04 0002 ABCD EA 0002 0001", "192.0.2.1:4711" },
        { $"{Signature} 21 11 000F {Four} 04 0000", "192.0.2.1:4711" },
        { $"{Signature} 21 11 0013 {Four} 03 0004 {Checksum}", "192.0.2.1:4711" },
        { $"{Signature} 21 11 0FF0 {Four} EA 0FE1 {new string('0', 2 * 0xFE1)}", "192.0.2.1:4711" },        // 4096 bytes, the longest.
    };

    /// <summary>Headers that are none, and a word of the reason.</summary>
    public static TheoryData<string, string> Broken => new()
    {
        { Text("GET / HTTP/1.1\r\n"), "no PROXY header" },
        { Text("PROXZ"), "no PROXY header" },
        { Text("\r\n\r\nG"), "no PROXY header" },
        { Text("proxy TCP4 "), "no PROXY header" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\n"), "CRLF" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\rX"), "CRLF" },
        { Text("PROXY UNKNOWN " + new string('x', 93)), "CRLF" },
        { Text("PROXY UNKNOWN " + new string('x', 92) + "\r\n"), "CRLF" },
        { Text("PROXY \r\n"), "addresses" },
        { Text("PROXY UNKNOWNX\r\n"), "addresses" },
        { Text("PROXY TCP4\r\n"), "addresses" },
        { Text("PROXY TCP5 192.0.2.1 198.51.100.1 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 1\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 \r\n"), "addresses" },
        { Text("PROXY TCP4  192.0.2.1 198.51.100.1 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.01 198.51.100.1 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2 198.51.100.1 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.256 198.51.100.1 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP4 2001:db8::1 2001:db8::2 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP6 192.0.2.1 198.51.100.1 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP6 [2001:db8::1] [2001:db8::2] 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP6 fe80::1%eth0 fe80::2 4711 443\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 4711 0443\r\n"), "addresses" },
        { Text("PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n"), "addresses" },
        { $"{Signature} 11 11 000C", "version and command" },
        { $"{Signature} 31 11 000C", "version and command" },
        { $"{Signature} 22 11 000C", "version and command" },
        { $"{Signature} 21 11 0FF1", "4096 bytes" },
        { $"{Signature} 20 00 FFFF", "4096 bytes" },
        { $"{Signature} 21 11 000B {Four[..^2]}", "family" },
        { $"{Signature} 21 21 000C {Four}", "family" },
        { $"{Signature} 21 12 000C {Four}", "family" },                                // UDP.
        { $"{Signature} 21 41 000C {Four}", "family" },
        { $"{Signature} 21 10 000C {Four}", "family" },
        { $"{Signature} 21 31 0000", "family" },
        { $"{Signature} 21 11 000D {Four} 04", "ends inside" },
        { $"{Signature} 21 11 0010 {Four} 04 0002 00", "ends inside" },
        { $"{Signature} 21 11 0013 {Four} 03 0004 00000000", "checksum" },
        { $"{Signature} 21 11 0011 {Four} 03 0002 0000", "checksum" },
    };

    private static readonly string s_long = string.Join(':', Enumerable.Repeat("ffff", 8));

    // Of the header above with its own four bytes as zeros: bit by bit, from the reversed polynomial of RFC 3720.
    private static string Checksum
    {
        get
        {
            uint sum = ~0u;
            foreach (byte each in Wire.Bytes($"{Signature} 21 11 0013 {Four} 03 0004 00000000"))
            {
                sum ^= each;
                for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ ((sum & 1) * 0x82F63B78);
            }

            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, ~sum);
            return Convert.ToHexString(bytes);
        }
    }

    [Theory, MemberData(nameof(Whole))]
    public void A_header_names_the_client_and_ends_where_the_clients_bytes_begin(string hex, string? expected)
    {
        byte[] header = Wire.Bytes(hex);
        var reader = new ProxyHeaderReader(Wire.Join(header, "GET / HTTP/1.1\r\n"u8.ToArray()));

        Assert.Equal((OperationStatus.Done, ""), (reader.ReadHeader(out IPEndPoint? client), reader.Reason));
        Assert.Equal(header.Length, reader.Position);
        Assert.Equal(expected is null ? null : IPEndPoint.Parse(expected), client);
    }

    [Theory, MemberData(nameof(Whole))]
    public void A_header_cut_anywhere_waits_for_the_rest(string hex, string? expected)
    {
        byte[] header = Wire.Bytes(hex);
        for (int cut = 0; cut < header.Length; cut++)
        {
            var reader = new ProxyHeaderReader(header.AsSpan(0, cut));

            Assert.Equal(OperationStatus.NeedMoreData, reader.ReadHeader(out IPEndPoint? client));
            Assert.True(reader.Position == 0 && client is null, $"{expected} at {cut}");
        }
    }

    [Theory, MemberData(nameof(Broken))]
    public void What_is_no_header_is_refused_with_its_reason(string hex, string reason)
    {
        var reader = new ProxyHeaderReader(Wire.Bytes(hex));

        Assert.Equal(OperationStatus.InvalidData, reader.ReadHeader(out IPEndPoint? client));
        Assert.Contains(reason, reader.Reason, StringComparison.Ordinal);
        Assert.True(reader.Position == 0 && client is null);
    }

    [Fact]
    public void A_damaged_header_reads_the_same_however_it_is_cut()
    {
        byte[][] headers = [.. Whole.Select(row => Wire.Bytes((string)row[0])).Where(header => header.Length < 300)];
        Gen.Select(Gen.Int[0, headers.Length - 1], Gen.Select(Gen.Int[0, 299], Gen.Byte).Array[0, 3])
            .Select((which, damages) =>
            {
                byte[] wire = [.. headers[which]];
                foreach ((int at, byte value) in damages) wire[at % wire.Length] = value;
                return wire;
            })
            .Sample(wire => ReadsTheSameByteByByte(wire), iter: 10_000);
    }

    private static bool ReadsTheSameByteByByte(byte[] wire)
    {
        var whole = new ProxyHeaderReader(wire);
        OperationStatus expected = whole.ReadHeader(out IPEndPoint? expectedClient);
        for (int length = 0; length <= wire.Length; length++)
        {
            var reader = new ProxyHeaderReader(wire.AsSpan(0, length));
            OperationStatus status = reader.ReadHeader(out IPEndPoint? client);
            if (status == OperationStatus.NeedMoreData) continue;
            return status == expected && reader.Position == whole.Position && reader.Reason == whole.Reason
                && Equals(client, expectedClient);
        }

        return expected == OperationStatus.NeedMoreData;
    }

    private static string Text(string text) => Convert.ToHexString(Encoding.Latin1.GetBytes(text));
}
