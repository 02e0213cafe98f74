using Broker.Core.Framing;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class FrameEngineSplitTests
{
    private const uint Key = 0x37fa213d;

    public static TheoryData<string, byte[]> Small => new()
    {
        { "empty text", Text([]) },
        { "one byte", Binary(1) },
        { "125 bytes", Binary(125) },
        { "126 bytes", Binary(126) },
        { "two frames", Join(Text("Hello"u8), Binary(20)) },
        { "many frames", Join(Text("a"u8), Text([]), Binary(3), Text("κόσμε"u8), Binary(7)) },
        { "fragments", Join(Part(Opcode.Text, "Hel"u8), Part(Opcode.Continuation, []), Last("lo"u8), Binary(4)) },
        { "empty fragments", Join(Part(Opcode.Text, []), Part(Opcode.Continuation, []), Last([])) },
        { "pings between",
            Join(Part(Opcode.Text, "Hel"u8), Ping("one"u8), Part(Opcode.Continuation, "l"u8), Ping([]), Pong("x"u8), Last("o"u8)) },
        { "ping, echo, ping", Join(Ping("first"u8), Text("Hello"u8), Ping("second"u8), Binary(9), Pong([])) },
        { "a character cut by fragments", Join(Part(Opcode.Text, Bytes("ce")), Last(Bytes("ba e1bdb9"))) },
        { "close with a reason", Join(Text("Hello"u8), Close(CloseCode.GoingAway, "bye"), Text("ignored"u8)) },
        { "close without a code", Join(Binary(3), Frame(Opcode.Close, [])) },
        { "close inside a message", Join(Part(Opcode.Text, "Hel"u8), Close(CloseCode.Normal, ""), Last("lo"u8)) },
        { "a reserved bit after a message", Join(Text("Hello"u8), Bytes("c1 80 00000000"), Ping([])) },
        { "a reserved opcode", Join(Text("Hello"u8), Bytes("83 80 00000000")) },
        { "no mask", Join(Text("Hello"u8), Bytes("81 05 48656c6c6f")) },
        { "a long ping", Join(Binary(2), Bytes("89 fe 007e 00000000"), Pattern(126)) },
        { "a length of 16 bits that fits 7", Join(Binary(2), Bytes("82 fe 007d 00000000"), Pattern(125)) },
        { "a length of 64 bits that fits 16", Join(Binary(2), Bytes("82 ff 000000000000ffff 00000000 01")) },
        { "a length with the top bit", Join(Binary(2), Bytes("82 ff 8000000000000000 00000000 01")) },
        { "a frame too big", Join(Binary(2), Bytes("82 ff 0000000000100001 00000000 0102")) },
        { "text that is not UTF-8", Join(Text("ok"u8), Text(Bytes("ce ba ed a0 80 65"))) },
        { "text that ends in a character", Join(Part(Opcode.Text, "ok"u8), Last(Bytes("ce"))) },
        { "a close payload of one byte", Join(Text("ok"u8), Frame(Opcode.Close, [0x61])) },
        { "a close reason that is not UTF-8", Frame(Opcode.Close, Bytes("03e8 ff")) },
        { "a new message in an open one", Join(Part(Opcode.Text, "Hel"u8), Text("lo"u8)) },
    };

    public static TheoryData<int, bool> Large => new()
    {
        { 4096, false }, { 65535, false }, { 65536, false }, { 65535, true }, { 65536, true }, { 200_000, false },
    };

    [Theory, MemberData(nameof(Small))]
    public void However_the_wire_is_cut_in_two_or_three_the_story_is_the_same(string name, byte[] wire)
    {
        string whole = EngineExchange.Of(EngineExchange.Server, wire).Drop().Story;

        // Two cuts of a long wire would only move about inside its payload.
        foreach (byte[][] reads in Cuts.InTwo(wire).Concat(wire.Length > 90 ? [] : Cuts.InThree(wire)))
        {
            string cut = EngineExchange.Of(EngineExchange.Server, reads).Drop().Story;
            if (cut != whole) Assert.Fail($"{name}, cut {string.Join('+', reads.Select(read => read.Length))}: {cut}\ninstead of {whole}");
        }
    }

    [Theory, MemberData(nameof(Small))]
    public void Byte_by_byte_the_story_is_the_same(string name, byte[] wire)
    {
        string whole = EngineExchange.Of(EngineExchange.Server, wire).Drop().Story;

        Assert.True(whole == EngineExchange.Of(EngineExchange.Server, Cuts.ByteByByte(wire)).Drop().Story, name);
    }

    [Theory, MemberData(nameof(Large))]
    public void A_large_frame_cut_anywhere_near_its_header_or_at_samples_comes_out_the_same(int length, bool fragmented)
    {
        byte[] frame = fragmented
            ? Join(Part(Opcode.Binary, Pattern(length)), Ping("x"u8), Last(Pattern(length)))
            : Join(Binary(3), Frame(Opcode.Binary, Pattern(length)), Text("end"u8));
        string whole = EngineExchange.Of(EngineExchange.Server, frame).Drop().Story;
        int[] cuts = [.. Enumerable.Range(1, 30), 64, 997, 1024, 4000, length - 1, length, .. Enumerable.Range(frame.Length - 20, 20)];

        foreach (int cut in cuts.Where(cut => cut < frame.Length))
        {
            Assert.Equal(whole, EngineExchange.Of(EngineExchange.Server, Cuts.At(frame, cut)).Drop().Story);
        }

        Assert.Equal(whole, EngineExchange.Of(EngineExchange.Server, frame.Chunk(997)).Drop().Story);
        Assert.Equal(whole, EngineExchange.Of(EngineExchange.Server, frame.Chunk(1460)).Drop().Story);
    }

    [Fact]
    public void A_chopped_megabyte_is_echoed_as_it_was_sent()
    {
        byte[] payload = Pattern(1 << 20);

        var exchange = EngineExchange.Of(EngineExchange.Server, Frame(Opcode.Binary, payload).Chunk(64));

        Assert.Equal(FrameWriter.Frame(Opcode.Binary, payload), exchange.Drop().Output);
    }

    [Fact]
    public void Accepts_a_message_of_65537_fragments()
    {
        byte[] fragment = Part(Opcode.Continuation, new byte[64]);
        byte[] wire = Join([Part(Opcode.Binary, new byte[64]), .. Enumerable.Repeat(fragment, 65535), Last([])]);
        var settings = new FrameEngineSettings(MessageBytesMax: 4 << 20, FragmentsMax: 65537);

        var exchange = EngineExchange.Of(settings, wire.Chunk(65536));

        Assert.Equal(FrameWriter.Frame(Opcode.Binary, new byte[4 << 20]), exchange.Drop().Output);
    }

    private static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload) => FrameWriter.Frame(opcode, payload, Key);

    private static byte[] Text(ReadOnlySpan<byte> payload) => Frame(Opcode.Text, payload);

    private static byte[] Binary(int length) => Frame(Opcode.Binary, Pattern(length));

    private static byte[] Part(Opcode opcode, ReadOnlySpan<byte> payload) => FrameWriter.Frame(opcode, payload, Key, final: false);

    private static byte[] Last(ReadOnlySpan<byte> payload) => Frame(Opcode.Continuation, payload);

    private static byte[] Ping(ReadOnlySpan<byte> payload) => FrameWriter.Ping(payload, Key);

    private static byte[] Pong(ReadOnlySpan<byte> payload) => FrameWriter.Pong(payload, Key);

    private static byte[] Close(CloseCode code, string reason) => FrameWriter.Close(code, reason, Key);
}
