using System.Buffers;
using System.Text;
using Broker.Core.Upgrade;
using CsCheck;
using Xunit;

namespace Broker.Tests.Upgrade;

/// <summary>Properties over many wires; CsCheck prints the seed of one that fails.</summary>
public sealed class UpgradeReaderProperties
{
    private const int HeadBytesMax = 512;

    private static readonly Gen<byte[]> Damaged =
        Gen.Select(Gen.Int[0, Heads.Printed.Length - 1], Gen.Byte, Gen.OneOf(Damage.Replace, Damage.Insert, Damage.Remove, Damage.Repeat))
            .Array[1, 4]
            .Select(Apply);

    // Pieces of requests in any order come nearer to the rules than bytes do.
    private static readonly Gen<byte[]> Pieced =
        Gen.OneOf(
            "GET ", "POST ", "/", "/chat?x=1", "http://a/", " HTTP/1.1", " HTTP/1.0", "\r\n", "\r", "\n", " ", "\t", "\0", ":", ",",
            "Host: a\r\n", "Upgrade: websocket\r\n", "Connection: Upgrade\r\n", "Content-Length: 5\r\n", "Origin: null\r\n",
            "Sec-WebSocket-Protocol: a, b\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "GET / HTTP/1.1\r\nHost: a\r\n",
                "\r\n\r\n")
            .Array[0, 24]
            .Select(pieces => Encoding.ASCII.GetBytes(string.Concat(pieces)));

    private enum Damage
    {
        Replace,
        Insert,
        Remove,
        Repeat,
    }

    [Fact]
    public void Random_bytes_never_throw_and_are_never_consumed() =>
        Gen.Byte.Array[0, 600].Sample(
            wire =>
            {
                var reader = new UpgradeReader(wire, HeadBytesMax);
                return reader.ReadHead(out _) != OperationStatus.Done && reader.Position == 0;
            },
            iter: 20_000);

    [Fact]
    public void A_damaged_request_reads_the_same_however_it_is_cut() =>
        Damaged.Sample(wire => ReadsTheSameByteByByte(wire), iter: 5_000);

    [Fact]
    public void Pieces_of_requests_read_the_same_however_they_are_cut() =>
        Pieced.Sample(wire => ReadsTheSameByteByByte(wire), iter: 20_000);

    private static bool ReadsTheSameByteByByte(byte[] wire)
    {
        var whole = new UpgradeReader(wire, HeadBytesMax);
        OperationStatus expected = whole.ReadHead(out UpgradeRequest? expectedRequest);

        OperationStatus status = OperationStatus.NeedMoreData;
        UpgradeRequest? request = null;
        int position = 0;
        UpgradeFault fault = default;
        for (int length = 0; length <= wire.Length && status == OperationStatus.NeedMoreData; length++)
        {
            var reader = new UpgradeReader(wire.AsSpan(0, length), HeadBytesMax, scannedBytes: Math.Max(0, length - 1));
            status = reader.ReadHead(out request);
            (position, fault) = (reader.Position, reader.Fault);
        }

        return status == expected && position == whole.Position && fault == whole.Fault
            && (status == OperationStatus.Done) == (position > 0)
            && request?.Path == expectedRequest?.Path && request?.Host == expectedRequest?.Host;
    }

    private static byte[] Apply((int At, byte Value, Damage Kind)[] damages)
    {
        List<byte> wire = [.. Heads.Bytes(Heads.Printed)];
        foreach ((int at, byte value, Damage kind) in damages)
        {
            int place = Math.Min(at, wire.Count - 1);
            switch (kind)
            {
                case Damage.Replace: wire[place] = value; break;
                case Damage.Insert: wire.Insert(place, value); break;
                case Damage.Remove: wire.RemoveAt(place); break;
                default: wire.Insert(place, wire[place]); break;
            }
        }

        return [.. wire];
    }
}
