using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Tests.Conformance.Wire;
using Broker.Tests.Deflate;
using Broker.Tests.Support;
using CsCheck;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

[Collection(NativeStates.Name)]
public sealed class DeflateTurnTests
{
    private const uint Key = 0x37fa213d;

    private static readonly DeflateTerms s_lean = new(15, 15, false, false);
    private static readonly DeflateTerms s_keeping = new(15, 15, true, true);

    /// <summary>Payloads as section 7.2.3 prints them, in frames of every kind.</summary>
    public static TheoryData<string, byte[]> Small => new()
    {
        { "one frame", Deflated(Opcode.Text, "f2 48 cd c9 c9 07 00") },
        { "fragments, RSV1 on the first only",
            Join(Part(Opcode.Text, "f2 48 cd", 4), Part(Opcode.Continuation, "c9", 0), Last("c9 07 00")) },
        { "empty fragments", Join(Part(Opcode.Binary, "", 4), Part(Opcode.Continuation, "f248cdc9c90700", 0), Last("")) },
        { "a ping between fragments", Join(Part(Opcode.Text, "f2 48 cd", 4), FrameWriter.Ping("one"u8, Key), Last("c9 c9 07 00")) },
        { "plain and compressed",
            Join(Plain(Opcode.Text, "a"u8), Deflated(Opcode.Text, "f248cdc9c90700"), Plain(Opcode.Binary, "bcd"u8),
                Deflated(Opcode.Binary, "00")) },
        { "two compressed", Join(Deflated(Opcode.Text, "f248cdc9c90700"), Deflated(Opcode.Text, "f248cdc9c90700")) },
        { "an empty payload", Join(Deflated(Opcode.Text, ""), Plain(Opcode.Text, "a"u8)) },
        { "broken data", Join(Plain(Opcode.Text, "a"u8), Deflated(Opcode.Text, "07"), Plain(Opcode.Text, "ignored"u8)) },
        { "RSV1 on a continuation", Join(Part(Opcode.Text, "f2 48 cd", 4), Frame(Opcode.Continuation, "c9c90700", 4, final: true)) },
        { "RSV1 on a ping", Frame(Opcode.Ping, "f248cdc9c90700", 4, final: true) },
        { "RSV2", Frame(Opcode.Text, "f248cdc9c90700", 2, final: true) },
        { "RSV1 and RSV3", Frame(Opcode.Text, "f248cdc9c90700", 5, final: true) },
        { "text that is not UTF-8", Deflated(Opcode.Text, "00 02 00 fd ff ceff 00") },
        { "a close between fragments",
            Join(Part(Opcode.Text, "f2 48 cd", 4), FrameWriter.Close(CloseCode.Normal, "", Key), Last("c9 c9 07 00")) },
    };

    [Theory, MemberData(nameof(Small))]
    public void However_the_wire_is_cut_in_two_or_three_the_story_is_the_same(string name, byte[] wire)
    {
        foreach (DeflateTerms terms in new[] { s_lean, s_keeping })
        {
            string whole = Story(terms, wire);
            Assert.Equal(whole, Story(terms, Cuts.ByteByByte(wire)));
            foreach (byte[][] reads in Cuts.InTwo(wire)) Assert.True(whole == Story(terms, reads), name);
            foreach (byte[][] reads in Cuts.InThree(wire)) Assert.True(whole == Story(terms, reads), name);
        }
    }

    [Fact]
    public void A_compressed_message_is_echoed_compressed_and_a_plain_one_plain()
    {
        var exchange =
            Feed(s_lean, Deflated(Opcode.Text, "f2 48 cd c9 c9 07 00"), Plain(Opcode.Text, "Hello"u8), Deflated(Opcode.Binary, "00"));

        Assert.Equal(
            ["Text 48656C6C6F", "Text 48656C6C6F", "Binary "], exchange.Messages.Select(seen => $"{seen.Opcode} {seen.PayloadHex}"));
        Assert.Equal(Bytes("c1 07 f248cdc9c90700 81 05 48656c6c6f c2 01 00"), exchange.Drop().Output);
    }

    [Fact]
    public void A_second_echo_refers_to_the_first_where_the_context_is_kept()
    {
        var exchange = Feed(s_keeping, Deflated(Opcode.Text, "f2 48 cd c9 c9 07 00"), Deflated(Opcode.Text, "f2 00 11 00 00"));

        Assert.Equal(Bytes("c1 07 f248cdc9c90700 c1 05 f200110000"), exchange.Drop().Output);
    }

    [Fact]
    public void A_reply_is_compressed_when_it_asks_for_it_and_control_frames_never_are()
    {
        Handler reply = (turn, _) =>
        {
            turn.Reply(Opcode.Text, "Hello"u8, reserved: 4);
            turn.Reply(Opcode.Text, "Hello"u8);
            turn.Reply(Opcode.Ping, "Hello"u8);
        };
        var exchange = new EngineExchange(EngineExchange.Server, reply) { Terms = s_lean }.Feed(Plain(Opcode.Binary, [1]));

        Assert.Equal(Bytes("c1 07 f248cdc9c90700 81 05 48656c6c6f 89 05 48656c6c6f"), exchange.Drop().Output);
    }

    [Fact]
    public void Without_the_agreement_the_bit_breaks_the_protocol() =>
        Assert.Equal(FrameViolation.ReservedBits, Feed(null, Deflated(Opcode.Text, "f2 48 cd c9 c9 07 00")).Drop().Violation);

    [Fact]
    public void Messages_of_every_size_come_back_through_another_compressor()
    {
        foreach (DeflateTerms terms in new[] { s_lean, s_keeping })
        {
            using var deflater = new MessageDeflater(15, terms.ClientContext);
            using var inflater = new MessageInflater(15, terms.ServerContext);
            var exchange = new EngineExchange(EngineExchange.Server) { Terms = terms };
            int[] sizes = [0, 1, 125, 126, 1000, 65535, 65536, 300_000, 1 << 20];
            foreach (int size in sizes)
            {
                byte[] payload = deflater.Compress(Pattern(size));
                foreach (byte[] read in Frame(Opcode.Binary, payload, 4, final: true).Chunk(1460)) exchange.Feed(read);
            }

            var reader = new FrameReader(exchange.Drop().Output);
            foreach (int size in sizes)
            {
                reader.ReadHeader(out FrameHeader header);
                Assert.Equal(4, header.Reserved);
                Assert.Equal(Pattern(size), inflater.Decompress(reader.TakePayload((int)header.PayloadLength)));
            }

            Assert.Equal(exchange.Output.Length, reader.Position);
        }
    }

    [Fact]
    public void Many_bombs_below_the_limit_in_one_read_are_cut_short()
    {
        using var deflater = new MessageDeflater(15, keepContext: false);
        byte[] bomb = Frame(Opcode.Binary, deflater.Compress(new byte[1 << 20]), 4, final: true);

        var exchange = new EngineExchange(EngineExchange.Server, (_, _) => { }) { Terms = s_lean };
        exchange.Feed(Join(Enumerable.Repeat(bomb, 3))).Feed(Join(Enumerable.Repeat(bomb, 3)));
        Assert.Equal((6, TurnOutcome.Open), (exchange.Messages.Count, exchange.Outcome));

        exchange.Feed(Join(Enumerable.Repeat(bomb, 50)));
        Assert.Equal((9, FrameViolation.TooMuchInflated), (exchange.Messages.Count, exchange.Drop().Violation));
    }

    [Fact]
    public void Random_bytes_behind_RSV1_never_throw_never_pass_the_limit_and_leave_nothing_behind()
    {
        const int Limit = 2000;
        int live = Core.Deflate.ZLib.Live;

        // Noise alone fails at its first byte, so some of it is broken with care: good data with a few bytes changed.
        Gen<byte[]> noise = Gen.Byte.Array[0, 300];
        Gen<byte[]> damaged =
            Gen.Select(Gen.Byte[0, 9].Array[0, 4000], Gen.Int[0, 3999], Gen.Byte, Gen.Int[0, 5]).Select((plain, at, value, times) =>
        {
            using var deflater = new MessageDeflater(15, keepContext: false);
            byte[] good = deflater.Compress(plain);
            for (int i = 0; i < times; i++) good[(at * (i + 1)) % good.Length] ^= value;
            return good;
        });
        Gen.Select(Gen.OneOf(noise, damaged).Array[1, 4], Gen.Bool, Gen.Bool, Gen.Int[1, 400]).Sample((payloads, text, keeps, cut) =>
        {
            var exchange = new EngineExchange(new(Limit, FragmentsMax: 10)) { Terms = keeps ? s_keeping : s_lean };
            byte[] wire = Join(payloads.Select(payload => Frame(text ? Opcode.Text : Opcode.Binary, payload, 4, final: true)));
            foreach (byte[] read in wire.Chunk(cut)) exchange.Feed(read);

            Assert.All(exchange.Messages, seen => Assert.True(seen.PayloadHex.Length <= 2 * Limit));
            Assert.True(exchange.Violation is null or { Code: CloseCode.InvalidPayload or CloseCode.MessageTooBig });
            exchange.Drop();
        }, iter: 2000, threads: 1);

        Assert.Equal(live, Core.Deflate.ZLib.Live);
    }

    private static string Story(DeflateTerms terms, params byte[][] reads) => Feed(terms, reads).Drop().Story;

    private static EngineExchange Feed(DeflateTerms? terms, params byte[][] reads)
    {
        var exchange = new EngineExchange(EngineExchange.Server) { Terms = terms };
        foreach (byte[] read in reads) exchange.Feed(read);
        return exchange;
    }

    private static byte[] Plain(Opcode opcode, ReadOnlySpan<byte> payload) => FrameWriter.Frame(opcode, payload, Key);

    private static byte[] Deflated(Opcode opcode, string hex) => Frame(opcode, hex, 4, final: true);

    private static byte[] Part(Opcode opcode, string hex, byte reserved) => Frame(opcode, hex, reserved, final: false);

    private static byte[] Last(string hex) => Frame(Opcode.Continuation, hex, 0, final: true);

    private static byte[] Frame(Opcode opcode, string hex, byte reserved, bool final) => Frame(opcode, Bytes(hex), reserved, final);

    private static byte[] Frame(Opcode opcode, byte[] payload, byte reserved, bool final)
    {
        byte[] frame = FrameWriter.Frame(opcode, payload, Key, final);
        frame[0] |= (byte)(reserved << 4);
        return frame;
    }
}
