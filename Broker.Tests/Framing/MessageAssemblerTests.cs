using Broker.Core.Framing;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class MessageAssemblerTests
{
    private const uint Key = 0x37fa213d;

    private readonly CountingPool _pool = new();

    [Fact]
    public void Fragments_in_pieces_become_one_unmasked_message_behind_room_for_a_header()
    {
        var assembler = new MessageAssembler(_pool);
        Assert.Null(Begin(assembler, Opcode.Text, 3, final: false));
        Assert.Null(assembler.Append(Masked("Hel"u8)));
        Assert.Null(Begin(assembler, Opcode.Continuation, 2, final: true));
        Assert.Null(assembler.Append(Masked("lo"u8).AsSpan(0, 1)));
        Assert.False(assembler.IsComplete);
        Assert.Null(assembler.Append(Masked("lo"u8).AsSpan(1)));

        Assert.True(assembler.IsComplete);
        Assert.Equal(Opcode.Text, assembler.Opcode);
        Assert.Equal("Hello"u8, assembler.Payload);

        byte[] taken = assembler.TakeBuffer()!;
        Assert.Equal("Hello"u8, taken.AsSpan(MessageAssembler.HeaderRoom, 5));
        assembler.Clear();
        _pool.Return(taken);
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void A_declared_length_alone_costs_no_memory()
    {
        var assembler = new MessageAssembler(_pool);

        Assert.Null(Begin(assembler, Opcode.Binary, 1 << 30, final: true, bytesMax: int.MaxValue));
        Assert.Equal(0, _pool.BytesOut);

        Assert.Null(assembler.Append(new byte[100]));
        Assert.Equal(256, _pool.BytesOut);
    }

    [Fact]
    public void The_buffer_stays_within_twice_what_has_arrived_and_is_copied_seldom()
    {
        var assembler = new MessageAssembler(_pool);
        Begin(assembler, Opcode.Binary, 4 << 20, final: true, bytesMax: 4 << 20);
        byte[] piece = new byte[1024];
        for (int arrived = piece.Length; arrived <= 4 << 20; arrived += piece.Length)
        {
            assembler.Append(piece);
            Assert.InRange(_pool.BytesOut, arrived, 2 * (arrived + MessageAssembler.HeaderRoom));
        }

        Assert.InRange(_pool.Rents, 1, 13);
        assembler.Clear();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void A_frame_whose_declared_length_passes_the_limit_is_refused_before_its_payload()
    {
        FrameViolation? violation = Begin(new MessageAssembler(_pool), Opcode.Binary, 1001, final: true, bytesMax: 1000);

        Assert.Equal(CloseCode.MessageTooBig, violation!.Code);
        Assert.Contains("1000", violation.Reason, StringComparison.Ordinal);
        Assert.Equal(0, _pool.Rents);
    }

    [Fact]
    public void The_sum_of_the_frames_may_reach_the_limit_and_not_pass_it()
    {
        var assembler = new MessageAssembler(_pool);
        Assert.Null(Begin(assembler, Opcode.Binary, 600, final: false, bytesMax: 1000));
        Assert.Null(assembler.Append(new byte[600]));
        Assert.Equal(CloseCode.MessageTooBig, Begin(assembler, Opcode.Continuation, 401, final: true, bytesMax: 1000)!.Code);
        Assert.Null(Begin(assembler, Opcode.Continuation, 400, final: true, bytesMax: 1000));
        Assert.Equal(CloseCode.MessageTooBig, Begin(assembler, Opcode.Continuation, long.MaxValue, final: true, bytesMax: 1000)!.Code);
    }

    [Fact]
    public void More_fragments_than_the_limit_are_refused_even_when_empty()
    {
        var assembler = new MessageAssembler(_pool);
        for (int i = 0; i < 3; i++) Assert.Null(Begin(assembler, i == 0 ? Opcode.Text : Opcode.Continuation, 0, final: false));

        FrameViolation? violation = Begin(assembler, Opcode.Continuation, 0, final: false);

        Assert.Equal(CloseCode.PolicyViolation, violation!.Code);
        Assert.Contains('3', violation.Reason);
    }

    [Fact]
    public void Text_is_judged_with_each_piece_inside_an_incomplete_frame()
    {
        var assembler = new MessageAssembler(_pool);
        byte[] wire = Masked(Bytes("ceba e1bdb9 cf83 f4 90 80 80 65"));
        Assert.Null(Begin(assembler, Opcode.Text, wire.Length, final: false));
        Assert.Null(assembler.Append(wire.AsSpan(0, 8)));
        Assert.Same(FrameViolation.TextNotUtf8, assembler.Append(wire.AsSpan(8, 1)));
    }

    [Fact]
    public void Text_may_end_a_frame_but_not_the_message_inside_a_character()
    {
        var assembler = new MessageAssembler(_pool);
        Begin(assembler, Opcode.Text, 1, final: false);
        Assert.Null(assembler.Append(Masked(Bytes("ce"))));
        Assert.Null(Begin(assembler, Opcode.Continuation, 0, final: true));
        Assert.Same(FrameViolation.TextNotUtf8, assembler.Append([]));
    }

    [Fact]
    public void Binary_and_transformed_text_is_not_judged()
    {
        var binary = new MessageAssembler(_pool);
        Begin(binary, Opcode.Binary, 2, final: true);
        Assert.Null(binary.Append(Bytes("ffff")));

        var deflated = new MessageAssembler(_pool);
        deflated.BeginFrame(new(Final: true, Reserved: 4, Opcode.Text, 2, Key), bytesMax: 10, fragmentsMax: 1);
        Assert.Null(deflated.Append(Bytes("ffff")));
        Assert.Equal(4, deflated.Reserved);
    }

    [Fact]
    public void A_cleared_assembler_knows_nothing_of_its_last_message()
    {
        var assembler = new MessageAssembler(_pool);
        Begin(assembler, Opcode.Text, 9, final: false);
        assembler.Append(Masked(Bytes("ce")));
        assembler.Clear();

        for (int i = 0; i < 2; i++)
            Assert.Null(Begin(assembler, i == 0 ? Opcode.Binary : Opcode.Continuation, 4, final: i == 1, bytesMax: 4));
        Assert.Null(assembler.Append(Masked("text"u8)));
        Assert.Equal(Opcode.Binary, assembler.Opcode);
        Assert.Equal("text"u8, assembler.Payload);
    }

    private static FrameViolation? Begin(MessageAssembler assembler, Opcode opcode, long length, bool final, int bytesMax = 1000) =>
        assembler.BeginFrame(new(final, Reserved: 0, opcode, length, Key), bytesMax, fragmentsMax: 3);

    private static byte[] Masked(ReadOnlySpan<byte> payload)
    {
        byte[] masked = payload.ToArray();
        Masking.Apply(masked, Key);
        return masked;
    }
}
