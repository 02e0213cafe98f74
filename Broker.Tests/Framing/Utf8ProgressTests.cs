using System.Text;
using System.Text.Unicode;
using Broker.Core.Framing;
using Broker.Tests.Support;
using CsCheck;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class Utf8ProgressTests
{
    /// <summary>The table of well-formed sequences, and around it what is just not one.</summary>
    private static readonly byte[] s_edges =
        [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1,
            0xF3, 0xF4, 0xF5, 0xFF];

    [Fact]
    public void Every_sequence_of_up_to_four_edge_bytes_is_judged_as_the_reference_judges_it_byte_by_byte_and_at_once()
    {
        foreach (byte[] sequence in Sequences())
        {
            bool valid = Utf8.IsValid(sequence);
            var whole = default(Utf8Progress);
            var bytewise = default(Utf8Progress);

            Assert.Equal(valid, whole.TryAdvance(sequence) && whole.IsComplete);
            Assert.Equal(valid, sequence.All(value => bytewise.TryAdvance([value])) && bytewise.IsComplete);
        }
    }

    [Fact]
    public void An_invalid_prefix_is_rejected_at_the_first_byte_that_no_continuation_could_save()
    {
        foreach (byte[] sequence in Sequences())
        {
            var progress = default(Utf8Progress);
            int accepted = sequence.TakeWhile(value => progress.TryAdvance([value])).Count();

            Assert.Equal(SavablePrefix(sequence), accepted);
        }
    }

    [Theory]
    [InlineData("f4 90")]
    [InlineData("ed a0")]
    [InlineData("e0 9f")]
    [InlineData("f0 8f")]
    [InlineData("c3 28")]
    [InlineData("e1 80 41")]
    [InlineData("f1 80 80 c3")]
    public void The_last_byte_is_the_one_that_fails_in_one_piece_and_in_two(string hex)
    {
        byte[] sequence = Bytes("ceba " + hex);
        foreach (byte[][] pieces in Cuts.InTwo(sequence[..^1]))
        {
            var progress = default(Utf8Progress);
            Assert.True(progress.TryAdvance(pieces[0]));
            Assert.True(progress.TryAdvance(pieces[1]));
            Assert.False(progress.TryAdvance(sequence.AsSpan()[^1..]));
        }

        Assert.False(default(Utf8Progress).TryAdvance(sequence));
    }

    [Fact]
    public void Ascii_blocks_inside_a_sequence_do_not_hide_that_it_is_broken()
    {
        byte[] text = Join("sevenAS"u8.ToArray(), Bytes("c3"), "eight AS"u8.ToArray(), Bytes("a9"), "sevenAS"u8.ToArray());

        Assert.False(default(Utf8Progress).TryAdvance(text));
        foreach (byte[][] pieces in Cuts.InThree(text))
        {
            var progress = default(Utf8Progress);
            Assert.False(pieces.All(piece => progress.TryAdvance(piece)));
        }
    }

    [Fact]
    public void At_every_alignment_and_split_a_text_is_judged_as_the_reference_judges_it()
    {
        string[] sequences = ["c3a9", "e4b8ad", "f09f9880", "f4908080", "eda080", "c3", "e4b8", "f09f98", "80", "c0af", "f8888080"];
        for (int before = 0; before < 70; before++)
        {
            foreach (string hex in sequences)
            {
                byte[] text = Join(Filled(before), Bytes(hex), Filled(before % 9));
                bool valid = Utf8.IsValid(text);
                foreach (byte[][] pieces in Cuts.InTwo(text).Append([text]))
                {
                    var progress = default(Utf8Progress);
                    Assert.Equal(valid, pieces.All(piece => progress.TryAdvance(piece)) && progress.IsComplete);
                }
            }
        }
    }

    [Fact]
    public void Random_text_in_random_pieces_is_judged_as_the_reference_judges_it() =>
        Gen.Select(Gen.OneOf(Gen.String.Select(Encoding.UTF8.GetBytes), Gen.OneOf(s_edges).Array[0, 12]).Array[0, 8], Gen.Int[1, 9])
            .Sample((parts, pieceBytes) =>
            {
                byte[] text = Join(parts);
                var progress = default(Utf8Progress);
                bool accepted = text.Chunk(pieceBytes).All(piece => progress.TryAdvance(piece)) && progress.IsComplete;
                return accepted == Utf8.IsValid(text);
            }, iter: 20_000);

    private static byte[] Filled(int length) => [.. Enumerable.Repeat((byte)'a', length)];

    private static IEnumerable<byte[]> Sequences()
    {
        foreach (byte a in s_edges)
        {
            yield return [a];
            foreach (byte b in s_edges)
            {
                yield return [a, b];
                foreach (byte c in s_edges)
                {
                    yield return [a, b, c];
                    foreach (byte d in s_edges) yield return [a, b, c, d];
                }
            }
        }
    }

    /// <summary>By brute force: the longest prefix to which some three bytes can be added so that all is valid.</summary>
    private static int SavablePrefix(byte[] sequence)
    {
        for (int length = sequence.Length; length > 0; length--)
        {
            if (s_endings.Any(ending => Utf8.IsValid([.. sequence.AsSpan(0, length), .. ending]))) return length;
        }

        return 0;
    }

    private static readonly byte[][] s_endings =
        [[], .. ((byte[])[0x80, 0x90, 0xA0]).SelectMany(first => (byte[][])[[first], [first, 0x80], [first, 0x80, 0x80]])];
}
