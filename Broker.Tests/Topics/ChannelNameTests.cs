using System.Text;
using Broker.Core.Topics;
using Broker.Tests.Support;
using CsCheck;
using Xunit;

namespace Broker.Tests.Topics;

public sealed class ChannelNameTests
{
    private const int BytesMax = 255;

    [Theory]
    [InlineData("a")]
    [InlineData("chat:room-1")]
    [InlineData("$user#42/*")]
    [InlineData(" spaced name ")]
    [InlineData("caf\u00e9")]
    [InlineData("\u00a0")]                  // C2 A0: the first character behind the controls
    [InlineData("\u0080-less \u30c1\u30e3\u30f3\u30cd\u30eb", false)]
    [InlineData("\ud83d\udca1")]
    public void A_name_is_any_text_without_controls(string name, bool allowed = true)
    {
        Assert.Equal(allowed, ChannelName.Check(name, BytesMax) is null);
        Assert.Equal(allowed, ChannelName.Check(Encoding.UTF8.GetBytes(name), BytesMax) is null);
    }

    [Fact]
    public void An_empty_name_is_none()
    {
        Assert.Contains("empty", ChannelName.Check(""u8, BytesMax), StringComparison.Ordinal);
        Assert.Contains("empty", ChannelName.Check("", BytesMax), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", 255)]
    [InlineData("\u00e9", 127)]
    [InlineData("\u30c1", 85)]
    [InlineData("\ud83d\udca1", 63)]
    public void The_limit_counts_bytes_of_UTF_8_and_names_itself(string character, int fitting)
    {
        string longest = string.Concat(Enumerable.Repeat(character, fitting));

        Assert.Null(ChannelName.Check(longest, BytesMax));
        Assert.Null(ChannelName.Check(Encoding.UTF8.GetBytes(longest), BytesMax));
        Assert.Contains("255 bytes", ChannelName.Check(longest + character, BytesMax), StringComparison.Ordinal);
        Assert.Contains("255 bytes", ChannelName.Check(Encoding.UTF8.GetBytes(longest + character), BytesMax), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_control_character_is_refused_wherever_it_stands()
    {
        for (char character = '\0'; character < '\u0100'; character++)
        {
            foreach (string name in new[] { $"{character}", $"{character}b", $"a{character}", $"a{character}b" })
            {
                Assert.Equal(char.IsControl(character), ChannelName.Check(name, BytesMax) is not null);
            }
        }
    }

    [Theory]
    [InlineData("80")]              // A continuation without a start
    [InlineData("61 c2")]           // A start without a continuation
    [InlineData("c0 af")]           // An overlong slash
    [InlineData("e0 80 af")]
    [InlineData("ed a0 80")]        // A surrogate
    [InlineData("f4 90 80 80")]     // Past U+10FFFF
    [InlineData("ff")]
    public void Bytes_that_are_not_UTF_8_are_refused(string hex) =>
        Assert.Contains(
            "not UTF-8", ChannelName.Check(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), BytesMax),
                StringComparison.Ordinal);

    [Theory]
    [InlineData(0xD800)]
    [InlineData(0xDC00)]
    public void Half_a_surrogate_pair_is_refused(int half) =>
        Assert.Contains("not UTF-8", ChannelName.Check($"a{(char)half}", BytesMax), StringComparison.Ordinal);

    [Fact]
    public void Random_bytes_never_throw_and_pass_only_as_text_without_controls() =>
        Gen.Byte.Array[0, 12].Sample(
            bytes =>
            {
                string text = Encoding.UTF8.GetString(bytes);
                bool isName =
                    bytes.Length is > 0 and <= 8 && Encoding.UTF8.GetBytes(text).AsSpan().SequenceEqual(bytes) && !text.Any(char.IsControl);
                return isName == (ChannelName.Check(bytes, 8) is null);
            },
            iter: 20_000);

    [Fact]
    public void Judging_a_name_allocates_nothing()
    {
        string longest = new('a', BytesMax);

        Assert.Equal(0, Allocations.Least(() =>
        {
            ChannelName.Check("chat:room-1"u8, BytesMax);
            ChannelName.Check(longest, BytesMax);
        }));
    }
}
