using Broker.Core.Framing;
using Broker.Tests.Support;
using CsCheck;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class TurnTests
{
    private const uint Key = 0x37fa213d;

    private static FrameEngineSettings Server => EngineExchange.Server;

    [Fact]
    public void The_masked_hello_of_the_rfc_is_echoed_as_its_unmasked_hello()
    {
        var exchange = EngineExchange.Of(Server, Bytes("81 85 37fa213d 7f9f4d5158"));

        Assert.Equal([new Seen(Opcode.Text, "48656C6C6F")], exchange.Messages);
        Assert.Equal(Bytes("81 05 48656c6c6f"), exchange.Drop().Output);
        Assert.Equal(0, exchange.Pool.Rents);
    }

    [Fact]
    public void Echoes_of_one_turn_lie_behind_each_other_in_the_input_itself()
    {
        byte[] wire = Join(Text("one"u8), Frame(Opcode.Binary, Pattern(300)), Text([]), Frame(Opcode.Binary, Pattern(70_000)), Ping("p"u8));
        var pool = new CountingPool();
        var turn = new Turn(pool);
        turn.Begin(new(Server, pool), wire, 0, wire.Length);
        while (turn.TryRead(out Message message)) turn.Echo(message);

        byte[] expected = Join(
            FrameWriter.Frame(Opcode.Text, "one"u8), FrameWriter.Frame(Opcode.Binary, Pattern(300)), FrameWriter.Frame(Opcode.Text, []),
            FrameWriter.Frame(Opcode.Binary, Pattern(70_000)), FrameWriter.Pong("p"u8));
        Assert.Equal(expected, turn.Output.ToArray());
        Assert.True(turn.Output.Span.Overlaps(wire, out int offset));
        Assert.Equal(-4, offset);
        Assert.Equal(wire.Length, turn.BytesIn);
        Assert.Equal(4, turn.MessagesIn);
        turn.End();
        Assert.Equal(0, pool.Rents);
    }

    [Fact]
    public void A_changed_payload_is_echoed_as_it_was_changed()
    {
        Handler upper = (turn, message) =>
        {
            foreach (ref byte value in message.Payload) value = (byte)(value & 0xDF);
            turn.Echo(message);
        };
        byte[] wire =
            Join(Text("abc"u8), Text("def"u8), FrameWriter.Frame(Opcode.Text, "gh"u8, Key, final: false),
                FrameWriter.Frame(Opcode.Continuation, "i"u8, Key));

        var exchange = EngineExchange.Of(Server, upper, wire);

        Assert.Equal(
            Join(FrameWriter.Frame(Opcode.Text, "ABC"u8), FrameWriter.Frame(Opcode.Text, "DEF"u8),
                FrameWriter.Frame(Opcode.Text, "GHI"u8)), exchange.Drop().Output);
    }

    [Fact]
    public void A_pong_keeps_its_order_among_the_replies()
    {
        byte[] wire =
            Join(Ping(Bytes("00ff fefd")), FrameWriter.Frame(Opcode.Text, "a"u8, Key, final: false), Ping("between"u8),
                FrameWriter.Frame(Opcode.Continuation, "b"u8, Key), Ping([]), Ping(Pattern(125)));

        var exchange = EngineExchange.Of(Server, wire);

        Assert.Equal(
            Join(FrameWriter.Pong(Bytes("00ff fefd")), FrameWriter.Pong("between"u8), FrameWriter.Frame(Opcode.Text, "ab"u8),
                FrameWriter.Pong([]), FrameWriter.Pong(Pattern(125))), exchange.Drop().Output);
    }

    [Fact]
    public void A_pong_is_counted_and_not_answered()
    {
        var exchange = EngineExchange.Of(Server, Join(FrameWriter.Pong("x"u8, Key), FrameWriter.Pong([], Key)));

        Assert.Equal(2, exchange.Pongs);
        Assert.Empty(exchange.Drop().Output);
    }

    [Theory]
    [InlineData("88 80 00000000", CloseCode.NoStatus, "", "88 00")]
    [InlineData("88 82 00000000 03e8", CloseCode.Normal, "", "88 02 03e8")]
    [InlineData("88 84 00000000 0fa0 6869", (CloseCode)4000, "hi", "88 02 0fa0")]
    public void A_close_is_answered_once_with_its_code_and_ends_the_turn(string wire, CloseCode code, string reason, string answer)
    {
        var exchange =
            EngineExchange.Of(Server, Join(Text("a"u8), Bytes(wire), Text("b"u8), Bytes(wire))).Feed(Bytes(wire)).Feed(Text("c"u8));

        Assert.Equal(TurnOutcome.PeerClosed, exchange.Outcome);
        Assert.Equal(new ClosePayload(code, reason), exchange.PeerClose);
        Assert.Single(exchange.Messages);
        Assert.Equal(Join(FrameWriter.Frame(Opcode.Text, "a"u8), Bytes(answer)), exchange.Drop().Output);
    }

    [Theory]
    [InlineData("c1 80 00000000", CloseCode.ProtocolError)]
    [InlineData("83 80 00000000", CloseCode.ProtocolError)]
    [InlineData("09 80 00000000", CloseCode.ProtocolError)]
    [InlineData("89 fe 007e 00000000", CloseCode.ProtocolError)]
    [InlineData("80 80 00000000", CloseCode.ProtocolError)]
    [InlineData("01 80 00000000 81 80 00000000", CloseCode.ProtocolError)]
    [InlineData("81 00", CloseCode.ProtocolError)]
    [InlineData("82 fe 0001 00000000 00", CloseCode.ProtocolError)]
    [InlineData("88 81 00000000 61", CloseCode.ProtocolError)]
    [InlineData("88 82 00000000 03ed", CloseCode.ProtocolError)]
    [InlineData("88 83 00000000 03e8 ff", CloseCode.InvalidPayload)]
    [InlineData("81 82 00000000 f490", CloseCode.InvalidPayload)]
    [InlineData("81 8f 00000000 f490", CloseCode.InvalidPayload)]
    [InlineData("01 82 00000000 eda0", CloseCode.InvalidPayload)]
    [InlineData("82 ff 0000000000100001 00000000", CloseCode.MessageTooBig)]
    [InlineData("02 81 00000000 00 80 ff 0000000000100000 00000000", CloseCode.MessageTooBig)]
    public void A_violation_writes_one_close_with_its_code_after_the_messages_before_it(string wire, CloseCode code)
    {
        var exchange = EngineExchange.Of(Server, Join(Text("a"u8), Bytes(wire), Text("b"u8))).Feed(Bytes(wire));

        Assert.Equal(TurnOutcome.Violated, exchange.Outcome);
        Assert.Equal(code, exchange.Violation!.Code);
        Assert.Single(exchange.Messages);
        Assert.Equal(
            Join(FrameWriter.Frame(Opcode.Text, "a"u8), FrameWriter.Close(code, exchange.Violation.Reason)), exchange.Drop().Output);
    }

    [Fact]
    public void A_whole_frame_past_the_limit_is_refused_like_a_partial_one()
    {
        var settings = new FrameEngineSettings(MessageBytesMax: 100, FragmentsMax: 2);

        Assert.Equal(TurnOutcome.Open, EngineExchange.Of(settings, Frame(Opcode.Binary, new byte[100])).Outcome);
        Assert.Equal(CloseCode.MessageTooBig, EngineExchange.Of(settings, Frame(Opcode.Binary, new byte[101])).Violation!.Code);
        Assert.Equal(
            CloseCode.MessageTooBig, EngineExchange.Of(settings, Frame(Opcode.Binary, new byte[101])[..20]).Drop().Violation!.Code);
    }

    [Fact]
    public void After_our_close_data_is_ignored_and_the_peers_close_is_not_answered()
    {
        var exchange = new EngineExchange(Server);
        exchange.Feed(
            Join(Text("a"u8), FrameWriter.Frame(Opcode.Binary, "b"u8, Key, final: false), Frame(Opcode.Continuation, Pattern(90))[..50]));
        exchange.Engine.CloseSent();
        exchange.Feed(
            Join(Frame(Opcode.Continuation, Pattern(90))[50..], Text("c"u8), Ping("d"u8), Frame(Opcode.Binary, Pattern(200))[..9]));
        Assert.Equal(TurnOutcome.Open, exchange.Outcome);
        exchange.Feed(Join(Frame(Opcode.Binary, Pattern(200))[9..], FrameWriter.Close(CloseCode.Normal, "", Key)));

        Assert.Equal(TurnOutcome.PeerClosed, exchange.Outcome);
        Assert.Equal(CloseCode.Normal, exchange.PeerClose!.Value.Code);
        Assert.Equal(FrameWriter.Frame(Opcode.Text, "a"u8), exchange.Drop().Output);
    }

    [Fact]
    public void A_violation_after_our_close_ends_the_engine_without_a_second_close()
    {
        var exchange = new EngineExchange(Server);
        exchange.Engine.CloseSent();
        exchange.Feed(Bytes("83 80 00000000"));

        Assert.Equal(TurnOutcome.Violated, exchange.Outcome);
        Assert.Empty(exchange.Drop().Output);
    }

    [Fact]
    public void A_handler_that_closes_receives_and_sends_no_more()
    {
        Handler closing = (turn, message) =>
        {
            turn.Echo(message);
            turn.Close(CloseCode.PolicyViolation, "enough");
            turn.Close(CloseCode.Normal);
            turn.Reply(Opcode.Text, "late"u8);
        };

        var exchange =
            EngineExchange.Of(
                Server, closing, Join(Text("a"u8), Text("b"u8), Ping([]), FrameWriter.Close(CloseCode.PolicyViolation, "", Key)));

        Assert.Equal(TurnOutcome.PeerClosed, exchange.Outcome);
        Assert.Single(exchange.Messages);
        Assert.Equal(
            Join(FrameWriter.Frame(Opcode.Text, "a"u8), FrameWriter.Close(CloseCode.PolicyViolation, "enough")), exchange.Drop().Output);
    }

    [Fact]
    public void An_incomplete_frame_with_invalid_text_is_refused_before_its_end()
    {
        var exchange = new EngineExchange(Server).Feed(Bytes("01 95 00000000 ceba e1bdb9 cf83 cebc ceb5 f4"));
        Assert.Equal(TurnOutcome.Open, exchange.Outcome);

        exchange.Feed(Bytes("90"));
        Assert.Equal(CloseCode.InvalidPayload, exchange.Drop().Violation!.Code);
    }

    [Fact]
    public void A_message_with_the_bit_of_an_extension_is_given_as_it_is()
    {
        Handler echo = (turn, message) =>
        {
            Assert.Equal(4, message.Reserved);
            turn.Echo(message);
        };

        var exchange =
            EngineExchange.Of(
                Server with { ReservedAllowed = 4 }, echo, Bytes("c1 82 00000000 ffff"), Bytes("41 81 00000000 ff 80 81 00000000 fe"));

        Assert.Equal(Bytes("c1 02 ffff c1 02 fffe"), exchange.Drop().Output);
    }

    [Fact]
    public void A_client_takes_unmasked_frames_and_masks_its_replies()
    {
        var client = new FrameEngineSettings(1000, 10, Side.Client, NextMaskingKey: () => Key);
        byte[] wire = Join(FrameWriter.Frame(Opcode.Text, "Hello"u8), FrameWriter.Ping("p"u8), FrameWriter.Close(CloseCode.Normal));

        string whole = EngineExchange.Of(client, wire).Drop().Story;
        var exchange = EngineExchange.Of(client, Cuts.ByteByByte(wire));

        Assert.Equal(Join(Text("Hello"u8), Ping("p"u8, Opcode.Pong), FrameWriter.Close(CloseCode.Normal, "", Key)), exchange.Drop().Output);
        Assert.Equal(whole, exchange.Story);
        Assert.Equal(CloseCode.ProtocolError, EngineExchange.Of(client, Text("masked"u8)).Violation!.Code);
    }

    [Fact]
    public void A_lenient_server_holds_its_peer_to_the_first_frames_choice()
    {
        var lenient = Server with { MaskMode = MaskMode.Lenient };
        byte[] bare = FrameWriter.Frame(Opcode.Text, "bare"u8);

        Assert.Equal(Join(bare, bare), EngineExchange.Of(lenient, Join(bare, bare)).Drop().Output);
        Assert.Same(FrameViolation.MaskUnwanted, EngineExchange.Of(lenient, Join(bare, Text("m"u8))).Violation);
        Assert.Same(FrameViolation.MaskMissing, EngineExchange.Of(lenient, Join(Text("m"u8), bare)).Violation);
    }

    [Fact]
    public void Replies_of_every_kind_keep_their_order_wherever_they_lie_and_however_the_wire_is_cut()
    {
        // What a handler does is told by the message's first byte, so that it is the same in every cut.
        Handler handler = (turn, message) =>
        {
            byte[] before = message.Payload.ToArray();
            int kind = before.Length == 0 ? 0 : before[0] % 6;
            if (kind is 1 or 3) turn.Reply(Opcode.Binary, Pattern(kind * 3));
            if (kind is 0 or 1 or 2 or 5) turn.Echo(message);
            if (kind is 2 or 3) turn.Reply(Opcode.Text, message.Payload[..(before.Length / 2)]);
            if (kind is 5) turn.Echo(message);
            Assert.Equal(before, message.Payload);
        };
        Gen<byte[]> frame = Gen.Select(Gen.Int[0, 9], Gen.Byte.Array[0, 140]).Select((kind, payload) => kind switch
        {
            0 => FrameWriter.Ping(payload.AsSpan(0, payload.Length / 2), Key),
            1 => Join(FrameWriter.Frame(Opcode.Binary, payload, Key, final: false), Frame(Opcode.Continuation, payload)),
            _ => Frame(Opcode.Binary, payload),
        });

        Gen.Select(frame.Array[1, 12], Gen.Int[1, 400]).Sample((frames, readBytes) =>
        {
            byte[] wire = Join(frames);
            byte[] expected = Replies(wire);
            var whole = EngineExchange.Of(Server, handler, wire).Drop();
            var cut = EngineExchange.Of(Server, handler, wire.Chunk(readBytes)).Drop();
            return expected.AsSpan().SequenceEqual(whole.Output) && whole.Story == cut.Story;
        }, iter: 2000);
    }

    /// <summary>The replies of the handler above, told by the plain reading of the wire.</summary>
    private static byte[] Replies(byte[] wire)
    {
        List<byte> replies = [];
        List<byte> message = [];
        var reader = new FrameReader(wire);
        while (reader.Position < wire.Length)
        {
            reader.ReadHeader(out FrameHeader header);
            byte[] payload = reader.TakePayload((int)header.PayloadLength).ToArray();
            Masking.Apply(payload, header.MaskingKey!.Value);
            if (header.Opcode == Opcode.Ping) replies.AddRange(FrameWriter.Pong(payload));
            else message.AddRange(payload);
            if (header.Opcode == Opcode.Ping || !header.Final) continue;

            byte[] whole = [.. message];
            message.Clear();
            int kind = whole.Length == 0 ? 0 : whole[0] % 6;
            byte[] echo = FrameWriter.Frame(Opcode.Binary, whole);
            if (kind is 1 or 3) replies.AddRange(FrameWriter.Frame(Opcode.Binary, Pattern(kind * 3)));
            if (kind is 0 or 1 or 2 or 5) replies.AddRange(echo);
            if (kind is 2 or 3) replies.AddRange(FrameWriter.Frame(Opcode.Text, whole.AsSpan(0, whole.Length / 2)));
            if (kind is 5) replies.AddRange(echo);
        }

        return [.. replies];
    }

    private static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload) => FrameWriter.Frame(opcode, payload, Key);

    private static byte[] Text(ReadOnlySpan<byte> payload) => Frame(Opcode.Text, payload);

    private static byte[] Ping(ReadOnlySpan<byte> payload, Opcode opcode = Opcode.Ping) => Frame(opcode, payload);
}
