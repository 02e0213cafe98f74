using System.Security.Cryptography;
using Broker.Core.Buffers;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Tests.Conformance.Wire;
using Broker.Tests.Deflate;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

[Collection(NativeStates.Name)]
public sealed class MessageDeflateTests : IDisposable
{
    private const int MessageBytesMax = 100_000;

    private readonly CountingPool _pool = new();
    private readonly LoopDeflate _loop;
    private readonly int _live = Core.Deflate.ZLib.Live;

    public MessageDeflateTests() => _loop = new LoopDeflate(_pool);

    public void Dispose()
    {
        _loop.Dispose();
        Assert.Equal(0, _pool.Outstanding);
        Assert.Equal(_live, Core.Deflate.ZLib.Live);
    }

    /// <summary>RFC 7692 section 7.2.3, each as a whole payload.</summary>
    public static TheoryData<string, string> Printed => new()
    {
        { "7.2.3.1, one block", "f2 48 cd c9 c9 07 00" },
        { "7.2.3.3, no compression", "00 05 00 fa ff 48 65 6c 6c 6f 00" },
        { "7.2.3.4, a final block", "f3 48 cd c9 c9 07 00 00" },
        { "7.2.3.5, two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00" },
        { "a final block without an empty one behind it", "f3 48 cd c9 c9 07 00" },
        { "two final blocks", "f3 48 05 00 cb c9 c9 07 00 00" },
    };

    [Theory, MemberData(nameof(Printed))]
    public void The_examples_of_the_RFC_decode_to_Hello(string name, string hex)
    {
        Assert.NotEmpty(name);

        Assert.Equal("Hello"u8.ToArray(), Inflate(Lean(), Opcode.Text, Bytes(hex)).Bytes);
        MessageDeflate keeping = Keeping();
        Assert.Equal("Hello"u8.ToArray(), Inflate(keeping, Opcode.Text, Bytes(hex)).Bytes);
        keeping.Drop();
    }

    [Fact]
    public void Section_7_2_3_2_a_second_message_refers_to_the_first_where_the_context_is_kept()
    {
        MessageDeflate keeping = Keeping();
        Assert.Equal("Hello"u8.ToArray(), Inflate(keeping, Opcode.Text, Bytes("f2 48 cd c9 c9 07 00")).Bytes);
        Assert.Equal("Hello"u8.ToArray(), Inflate(keeping, Opcode.Text, Bytes("f2 00 11 00 00")).Bytes);
        keeping.Drop();

        MessageDeflate lean = Lean();
        Assert.Equal("Hello"u8.ToArray(), Inflate(lean, Opcode.Text, Bytes("f2 48 cd c9 c9 07 00")).Bytes);
        Assert.Equal(CloseCode.InvalidPayload, Inflate(lean, Opcode.Text, Bytes("f2 00 11 00 00")).Broken?.Code);
    }

    [Fact]
    public void Section_7_2_3_6_an_empty_message_is_one_empty_block()
    {
        MessageDeflate keeping = Keeping();
        foreach (MessageDeflate deflate in new[] { Lean(), keeping })
        {
            Assert.Equal([0], Deflate(deflate, []));
            Assert.Equal([0], Deflate(deflate, []));
            Assert.Empty(Inflate(deflate, Opcode.Text, [0]).Bytes!);
            Assert.Empty(Inflate(deflate, Opcode.Text, []).Bytes!);
            Assert.Equal("Hello"u8.ToArray(), Inflate(deflate, Opcode.Text, Bytes("f2 48 cd c9 c9 07 00")).Bytes);
        }

        keeping.Drop();
    }

    [Theory]
    [InlineData("07", "a reserved block type")]
    [InlineData("00 05 00 fa fe 48 65 6c 6c 6f 00", "a stored length that its complement denies")]
    [InlineData("f2 48 cd c9 c9 07", "an end that is missing")]
    [InlineData("f2 48", "a block that is cut")]
    [InlineData("00 05 00 fa ff 48 65", "a stored block that is cut")]
    [InlineData("ff ff ff ff", "noise")]
    [InlineData("f2 48 cd c9 c9 07 00 00 00 ff ff", "a tail that was not removed")]
    public void Broken_data_is_1007(string hex, string what)
    {
        (byte[]? bytes, FrameViolation? broken) = Inflate(Lean(), Opcode.Binary, Bytes(hex));

        Assert.True(broken == FrameViolation.CompressedDataBroken, $"{what}: {broken}");
        Assert.Null(bytes);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    public void Every_window_is_understood_both_ways_with_and_without_context(int windowBits)
    {
        byte[] noise = RandomNumberGenerator.GetBytes(600);
        byte[][] messages =
            [Pattern(5000), Join(noise, noise, noise), [], Join(noise, Pattern(70_000)), "Hello"u8.ToArray(), noise, new byte[40_000]];
        foreach (bool context in new[] { true, false })
        {
            MessageDeflate ours = Open(new DeflateTerms(windowBits, windowBits, context, context));
            using var theirs = new MessageDeflater(windowBits, context);
            using var reader = new MessageInflater(windowBits, context);
            foreach (byte[] message in messages)
            {
                Assert.Equal(message, reader.Decompress(Deflate(ours, message)));
                Assert.Equal(message, Inflate(ours, Opcode.Binary, theirs.Compress(message)).Bytes);
            }

            ours.Drop();
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(12)]
    public void No_match_reaches_further_back_than_the_window(int windowBits)
    {
        // Noise, twice: it shrinks only where the second half refers to the first. Random bytes stay as long as they are.
        MessageDeflate deflate = Open(new DeflateTerms(windowBits, 15, false, false));
        int window = 1 << windowBits;

        foreach (int distance in new[] { window + 1, window + 2, window + 100, 2 * window })
        {
            byte[] noise = RandomNumberGenerator.GetBytes(distance);
            Assert.True(Deflate(deflate, Join(noise, noise)).Length >= 2 * distance, $"distance {distance}");
        }

        byte[] near = RandomNumberGenerator.GetBytes(window * 3 / 8);
        Assert.True(Deflate(deflate, Join(near, near)).Length < near.Length * 3 / 2);
    }

    [Fact]
    public void A_compressor_that_many_share_carries_nothing_from_one_message_to_the_next()
    {
        MessageDeflate one = Lean(), other = Lean();
        byte[] message = "{\"channel\":\"news\",\"data\":{\"text\":\"the same again\"}}"u8.ToArray();

        byte[] first = Deflate(one, message);
        for (int i = 0; i < 100; i++)
        {
            Deflate(other, Pattern(i * 701));
            Assert.Equal(first, Deflate(one, message));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_byte_over_the_message_limit_closes_with_1009(bool keeps)
    {
        MessageDeflate deflate = keeps ? Keeping() : Lean();
        using var theirs = new MessageDeflater(15, keepContext: keeps);

        Assert.Equal(MessageBytesMax, Inflate(deflate, Opcode.Binary, theirs.Compress(new byte[MessageBytesMax])).Bytes?.Length);
        FrameViolation? broken = Inflate(deflate, Opcode.Binary, theirs.Compress(new byte[MessageBytesMax + 1])).Broken;

        Assert.Equal(FrameViolation.MessageTooBig(MessageBytesMax), broken);
        Assert.Contains("100000", broken!.Reason, StringComparison.Ordinal);
        deflate.Drop();
    }

    [Fact]
    public void A_bomb_of_a_thousand_to_one_costs_no_more_than_the_limit()
    {
        using var theirs = new MessageDeflater(15, keepContext: false);
        byte[] bomb = theirs.Compress(new byte[64 << 20]);
        Assert.True(bomb.Length < (64 << 20) / 900);
        Assert.Equal(CloseCode.MessageTooBig, Inflate(Lean(), Opcode.Text, bomb).Broken?.Code);

        long allocated =
            Allocations.Least(() => Assert.Equal(CloseCode.MessageTooBig, Inflate(Lean(), Opcode.Text, bomb).Broken?.Code), enough: 4095);

        // Once warm, every buffer comes from the pool; and the pool never had to hold more than the limit and what it grew from.
        Assert.True(allocated < 4096, $"{allocated} bytes");
        Assert.True(_pool.KeptBytes <= 4 * MessageBytesMax, $"{_pool.KeptBytes} bytes");
    }

    [Fact]
    public void Text_is_judged_piece_by_piece_and_its_fault_comes_before_its_length()
    {
        using var theirs = new MessageDeflater(15, keepContext: false);
        byte[] bad = [0xff, .. new byte[10 * MessageBytesMax]];
        byte[] cut = [.. new byte[70_000], 0xce];

        Assert.Equal(FrameViolation.TextNotUtf8, Inflate(Lean(), Opcode.Text, theirs.Compress(bad)).Broken);
        Assert.Equal(FrameViolation.TextNotUtf8, Inflate(Lean(), Opcode.Text, theirs.Compress(cut)).Broken);
        Assert.Equal(cut, Inflate(Lean(), Opcode.Binary, theirs.Compress(cut)).Bytes);
        Assert.Equal([0xce, 0xba], Inflate(Lean(), Opcode.Text, theirs.Compress("κ"u8)).Bytes);
    }

    [Fact]
    public void Native_states_are_made_when_needed_and_given_back_when_the_connection_ends()
    {
        MessageDeflate[] keeping = [.. Enumerable.Range(0, 10).Select(_ => Keeping())];
        MessageDeflate[] lean = [.. Enumerable.Range(0, 10).Select(_ => Lean())];
        Assert.Equal(_live, Core.Deflate.ZLib.Live);

        foreach (MessageDeflate deflate in lean) Echo(deflate);
        Assert.Equal(_live + 2, Core.Deflate.ZLib.Live);

        foreach (MessageDeflate deflate in keeping) Echo(deflate);
        Assert.Equal(_live + 22, Core.Deflate.ZLib.Live);

        foreach (MessageDeflate deflate in keeping) deflate.Drop();
        foreach (MessageDeflate deflate in lean) deflate.Drop();
        Assert.Equal(_live + 2, Core.Deflate.ZLib.Live);

        void Echo(MessageDeflate deflate) =>
            Assert.Equal("Hello"u8.ToArray(), Inflate(deflate, Opcode.Text, Deflate(deflate, "Hello"u8.ToArray())).Bytes);
    }

    private MessageDeflate Lean() => Open(new DeflateTerms(15, 15, false, false));

    private MessageDeflate Keeping() => Open(new DeflateTerms(15, 15, true, true));

    private MessageDeflate Open(DeflateTerms terms) => new(terms, new DeflatePolicy(new DeflateBudget(long.MaxValue)), _loop);

    private static byte[] Deflate(MessageDeflate deflate, byte[] message)
    {
        SharedBytes payload = deflate.Deflate(message);
        byte[] bytes = payload.Array[..payload.Length];
        payload.Release();
        return bytes;
    }

    private static (byte[]? Bytes, FrameViolation? Broken) Inflate(MessageDeflate deflate, Opcode opcode, byte[] payload)
    {
        FrameViolation? broken = deflate.Inflate(opcode, payload, MessageBytesMax, out SharedBytes? message);
        if (message is null) return (null, broken);
        byte[] bytes = message.Array[..message.Length];
        message.Release();
        return (bytes, broken);
    }
}
