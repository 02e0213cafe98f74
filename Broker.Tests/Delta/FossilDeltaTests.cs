using System.Text;
using System.Text.Unicode;
using Broker.Core.Delta;

namespace Broker.Tests.Delta;

public sealed class FossilDeltaTests
{
    private const string Weather =
        "{\"city\":\"Reykjavik\",\"temperature\":-3,\"wind\":{\"speed\":12,\"from\":\"NE\"},\"sky\":\"overcast with snow\"}";

    [Fact]
    public void A_small_change_makes_a_small_delta_that_applies()
    {
        byte[] before = Encoding.UTF8.GetBytes(Weather), after =
            Encoding.UTF8.GetBytes(Weather.Replace("-3", "-5", StringComparison.Ordinal));

        byte[] delta = FossilEncoder.Encode(before, after)!;

        Assert.True(delta.Length < 40, $"{delta.Length}: {Encoding.UTF8.GetString(delta)}");
        Assert.Equal(after, Apply(before, delta));
    }

    [Fact]
    public void Equal_data_is_one_copy()
    {
        byte[] data = Encoding.UTF8.GetBytes(Weather);

        byte[] delta = FossilEncoder.Encode(data, data)!;

        Assert.Equal(data, Apply(data, delta));
        Assert.True(delta.Length < 20);
    }

    [Fact]
    public void A_delta_that_is_not_shorter_is_none()
    {
        Assert.Null(FossilEncoder.Encode("0123456789abcdef0123456789"u8, "something else altogether"u8));
        Assert.Null(FossilEncoder.Encode("short"u8, "shorts"u8));
        Assert.Null(FossilEncoder.Encode(""u8, ""u8));
    }

    [Fact]
    public void Random_edits_of_random_data_apply_to_the_byte()
    {
        var random = new Random(20261129);
        int deltas = 0;
        for (int round = 0; round < 2000; round++)
        {
            byte[] before = new byte[random.Next(0, 3000)];
            random.NextBytes(before);
            if (random.Next(3) == 0) Array.Fill(before, (byte)random.Next(3));
            byte[] after = Edit(before, random);
            if (FossilEncoder.Encode(before, after) is not { } delta) continue;
            deltas++;
            Assert.True(delta.Length < after.Length);
            Assert.Equal(after, Apply(before, delta));
        }

        Assert.True(deltas > 500, $"{deltas}");
    }

    [Fact]
    public void No_aligned_delta_cuts_a_character()
    {
        var random = new Random(7);
        string[] pieces = ["a", "ß", "€", "𝄞", "日本語", "…", "Привет", "\"", "\\", "0123456789abcdef"];
        int deltas = 0;
        for (int round = 0; round < 1000; round++)
        {
            List<string> text = [.. Enumerable.Range(0, random.Next(20, 200)).Select(_ => pieces[random.Next(pieces.Length)])];
            byte[] before = Encoding.UTF8.GetBytes(string.Concat(text));
            for (int edit = random.Next(1, 4); edit > 0; edit--) text[random.Next(text.Count)] = pieces[random.Next(pieces.Length)];
            byte[] after = Encoding.UTF8.GetBytes(string.Concat(text));

            if (FossilEncoder.Encode(before, after, alignToUtf8: true) is not { } delta) continue;
            deltas++;
            Assert.True(Utf8.IsValid(delta));
            Assert.Equal(after, Apply(before, delta));
        }

        Assert.True(deltas > 500, $"{deltas}");
    }

    [Fact]
    public void A_change_of_the_last_byte_of_a_character_is_not_cut()
    {
        byte[] before = Encoding.UTF8.GetBytes("{\"greeting\":\"a long enough text with é in it, and more behind\"}");
        byte[] after = Encoding.UTF8.GetBytes("{\"greeting\":\"a long enough text with è in it, and more behind\"}");

        Assert.True(Utf8.IsValid(FossilEncoder.Encode(before, after, alignToUtf8: true)!));
    }

    // Made by the format's description by hand: copy 4 of "abcdefgh" from 2, insert "XY".
    [Fact]
    public void A_delta_by_hand_applies()
    {
        uint checksum = ('c' << 24) + ('d' << 16) + ('e' << 8) + 'f' + unchecked((uint)(('X' << 24) + ('Y' << 16)));

        string? problem =
            FossilDecoder.Decode("abcdefgh"u8, Encoding.ASCII.GetBytes($"6\n4@2,2:XY{Base64(checksum)};"), 100, out byte[]? target);

        Assert.Null(problem);
        Assert.Equal("cdefXY"u8.ToArray(), target);
    }

    [Theory]
    [InlineData("", "The size of the result is missing.")]
    [InlineData("6", "The size of the result is missing.")]
    [InlineData("~~~~~~~\n", "The size of the result is missing.")]
    [InlineData("zz\n", "The result passes 100 bytes.")]
    [InlineData("6\n4@2,", "A number is missing.")]
    [InlineData("6\n4@8,", "A copy passes the end of the base.")]
    [InlineData("6\n4@2;", "A copy is malformed.")]
    [InlineData("6\n4:ab", "An insert passes the end of the delta.")]
    [InlineData("6\n7@0,", "The result passes its size.")]
    [InlineData("6\n4!0,", "A command is neither a copy nor an insert.")]
    [InlineData("6\n4@2,0;", "The result has another size.")]
    [InlineData("4\n4@2,0;", "The result has another checksum.")]
    public void A_malformed_delta_is_refused_with_its_reason(string delta, string expected) =>
        Assert.Equal(expected, FossilDecoder.Decode("abcdefgh"u8, Encoding.ASCII.GetBytes(delta), 100, out _));

    private static byte[] Edit(byte[] before, Random random)
    {
        var after = new List<byte>(before);
        for (int edits = random.Next(0, 5); edits > 0; edits--)
        {
            int at = random.Next(after.Count + 1), length = random.Next(0, Math.Min(200, after.Count - at) + 1);
            if (random.Next(2) == 0) after.RemoveRange(at, length);
            byte[] inserted = new byte[random.Next(0, 100)];
            random.NextBytes(inserted);
            after.InsertRange(at, inserted);
        }

        return [.. after];
    }

    private static byte[] Apply(byte[] before, byte[] delta)
    {
        Assert.Null(FossilDecoder.Decode(before, delta, int.MaxValue, out byte[]? target));
        return target!;
    }

    private static string Base64(uint number)
    {
        const string digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
        string text = "";
        do text = digits[(int)(number & 63)] + text;
        while ((number >>= 6) != 0);
        return text;
    }
}
