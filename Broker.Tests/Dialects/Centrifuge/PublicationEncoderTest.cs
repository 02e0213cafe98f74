using System.Text;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>The one line that every subscriber gets.</summary>
public class PublicationEncoderTest
{
    private static readonly byte[] News = PublicationEncoder.EncodePrefix("news"u8);

    [Fact]
    public void The_prefix_is_all_up_to_the_data() =>
        Assert.Equal("""{"push":{"channel":"news","pub":{"data":""", Encoding.UTF8.GetString(News));

    [Fact]
    public void Data_alone() => Assert.Equal(
        """{"push":{"channel":"news","pub":{"data":{"text":"hello"}}}}""", Encode(new Publication { Data = "{\"text\":\"hello\"}"u8 }));

    [Fact]
    public void Data_publisher_position_and_tags()
    {
        byte[] info = PublicationEncoder.EncodeInfo("42", "c-1");

        Assert.Equal(
            """{"push":{"channel":"news","pub":{"data":1,"info":{"user":"42","client":"c-1"},"offset":18446744073709551615,"tags":{"k":"v"}}}}""",
            Encode(new Publication { Data = "1"u8, Info = info, Offset = ulong.MaxValue, Tags = "{\"k\":\"v\"}"u8 }));
    }

    [Fact]
    public void No_data_is_null() => Assert.Equal("""{"push":{"channel":"news","pub":{"data":null}}}""", Encode(default));

    [Theory]
    [InlineData("", "a", """{"client":"a"}""")]
    [InlineData("u\"", "a\\", """{"user":"u\"","client":"a\\"}""")]
    public void The_publisher_is_escaped_and_an_anonymous_one_has_no_user(string user, string client, string info) =>
        Assert.Equal(info, Encoding.UTF8.GetString(PublicationEncoder.EncodeInfo(user, client)));

    [Theory]
    [InlineData("")]
    [InlineData("a\"b\\c")]
    [InlineData("\0\u0001\n\r\u001f\u007f")]
    [InlineData("räume:😀\u2028\ue000\ufeff")]
    [InlineData("</script>&+'`")]
    public void A_channel_of_any_text_reads_back(string channel)
    {
        byte[] prefix = PublicationEncoder.EncodePrefix(Encoding.UTF8.GetBytes(channel));
        string line = Encoding.UTF8.GetString(PublicationEncoder.Encode(prefix, new Publication { Data = "1"u8 }));

        Assert.Equal(channel, Json.Get(line, "push", "channel"));
        Assert.DoesNotContain('\n', line);
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(9ul)]
    [InlineData(10ul)]
    [InlineData(99ul)]
    [InlineData(100ul)]
    [InlineData(9_999_999_999_999_999_999ul)]
    [InlineData(10_000_000_000_000_000_000ul)]
    public void An_offset_of_any_length_fits_exactly(ulong offset) =>
        Assert.Equal(
            $$$$"""{"push":{"channel":"news","pub":{"data":1,"offset":{{{{offset}}}}}}}""",
            Encode(new Publication { Data = "1"u8, Offset = offset }));

    [Fact]
    public void Line_feeds_of_pretty_printed_data_become_spaces_and_those_in_texts_stay_escaped()
    {
        string line = Encode(new Publication
        {
            Data = "\n{\r\n \"a\"\n:\r[ 1,\n2 ], \"b\": \"x\\r\\ny\" }\n"u8,
            Info = "{\n\"client\":\"c\"}"u8,
            Tags = "{\r}"u8,
        });

        Assert.Equal(
            """{"push":{"channel":"news","pub":{"data": {   "a" : [ 1, 2 ], "b": "x\r\ny" } ,"info":{ "client":"c"},"tags":{ }}}}""",
            line);
    }

    [Fact]
    public void Encoding_makes_one_array_and_nothing_else()
    {
        byte[] warm = PublicationEncoder.Encode(News, new Publication { Data = "12345"u8, Offset = 7 });
        long one = Allocations.Least(() => GC.KeepAlive(new byte[warm.Length]));

        Assert.Equal(one, Allocations.Least(() => PublicationEncoder.Encode(News, new Publication { Data = "12345"u8, Offset = 7 })));
    }

    [Fact]
    public void Writing_into_a_larger_target_touches_only_the_line()
    {
        var publication = new Publication { Data = "1"u8, Offset = 7 };
        byte[] target = new byte[100];
        target.AsSpan().Fill(0xee);

        int written = PublicationEncoder.Write(News, publication, target);

        Assert.Equal(PublicationEncoder.Measure(News, publication), written);
        Assert.Equal(PublicationEncoder.Encode(News, publication), target[..written]);
        Assert.Equal(-1, target.AsSpan(written).IndexOfAnyExcept((byte)0xee));
    }

    [Fact]
    public void The_body_for_a_recovery_is_a_slice_of_the_line()
    {
        byte[] line = PublicationEncoder.Encode(News, new Publication { Data = "[1]"u8, Offset = 7 });

        Assert.Equal("""{"data":[1],"offset":7}""", Encoding.UTF8.GetString(PublicationEncoder.BodyOf(line, News).Span));
    }

    private static string Encode(in Publication publication) => Encoding.UTF8.GetString(PublicationEncoder.Encode(News, publication));
}
