using System.Text;
using Broker.Core.Filters;

namespace Broker.Tests.Channels;

public sealed class TagsFilterTests
{
    private static readonly KeyValuePair<string, string>[] s_tags =
        [KeyValuePair.Create("ticker", "BTC"), KeyValuePair.Create("price", "50000.5"), KeyValuePair.Create("empty", "")];

    [Theory]
    [InlineData("""{"key":"ticker","cmp":"eq","val":"BTC"}""", true)]
    [InlineData("""{"key":"ticker","cmp":"eq","val":"btc"}""", false)]
    [InlineData("""{"key":"missing","cmp":"eq","val":"x"}""", false)]
    [InlineData("""{"key":"ticker","cmp":"neq","val":"ETH"}""", true)]
    [InlineData("""{"key":"missing","cmp":"neq","val":"x"}""", true)]
    [InlineData("""{"key":"ticker","cmp":"in","vals":["ETH","BTC"]}""", true)]
    [InlineData("""{"key":"missing","cmp":"in","vals":["", "x"]}""", true)]
    [InlineData("""{"key":"missing","cmp":"in","vals":["x"]}""", false)]
    [InlineData("""{"key":"ticker","cmp":"nin","vals":["ETH"]}""", true)]
    [InlineData("""{"key":"ticker","cmp":"nin","vals":["BTC"]}""", false)]
    [InlineData("""{"key":"missing","cmp":"nin","vals":["", "x"]}""", true)]
    [InlineData("""{"key":"empty","cmp":"ex"}""", true)]
    [InlineData("""{"key":"missing","cmp":"ex"}""", false)]
    [InlineData("""{"key":"missing","cmp":"nex"}""", true)]
    [InlineData("""{"key":"ticker","cmp":"sw","val":"BT"}""", true)]
    [InlineData("""{"key":"ticker","cmp":"ew","val":"TC"}""", true)]
    [InlineData("""{"key":"ticker","cmp":"ct","val":"T"}""", true)]
    [InlineData("""{"key":"ticker","cmp":"ct","val":"X"}""", false)]
    [InlineData("""{"key":"price","cmp":"gt","val":"50000.4"}""", true)]
    [InlineData("""{"key":"price","cmp":"gt","val":"50000.5"}""", false)]
    [InlineData("""{"key":"price","cmp":"gte","val":"50000.50"}""", true)]
    [InlineData("""{"key":"price","cmp":"lt","val":"6e4"}""", true)]
    [InlineData("""{"key":"price","cmp":"lte","val":"-1"}""", false)]
    [InlineData("""{"key":"ticker","cmp":"lt","val":"5"}""", false)]
    [InlineData("""{"key":"price","cmp":"lt","val":"many"}""", false)]
    [InlineData("""{"op":"and","nodes":[{"key":"ticker","cmp":"eq","val":"BTC"},{"key":"price","cmp":"gt","val":"1"}]}""", true)]
    [InlineData("""{"op":"and","nodes":[{"key":"ticker","cmp":"eq","val":"BTC"},{"key":"price","cmp":"lt","val":"1"}]}""", false)]
    [InlineData("""{"op":"or","nodes":[{"key":"ticker","cmp":"eq","val":"ETH"},{"key":"price","cmp":"gt","val":"1"}]}""", true)]
    [InlineData("""{"op":"not","nodes":[{"key":"ticker","cmp":"eq","val":"ETH"}]}""", true)]
    public void A_filter_matches_as_the_official_server_has_it(string json, bool expected)
    {
        Assert.Null(TagsFilterReader.Read(Encoding.UTF8.GetBytes(json), out TagsFilter? filter));

        Assert.Equal(expected, filter!.Matches(s_tags));
    }

    [Fact]
    public void Without_tags_only_absence_matches()
    {
        Assert.Null(TagsFilterReader.Read("""{"key":"a","cmp":"nex"}"""u8, out TagsFilter? absent));
        Assert.Null(TagsFilterReader.Read("""{"key":"a","cmp":"eq","val":"1"}"""u8, out TagsFilter? equal));

        Assert.True(absent!.Matches([]));
        Assert.False(equal!.Matches([]));
    }

    [Theory]
    [InlineData("[]", "The filter is malformed")]
    [InlineData("null", "The filter is null.")]
    [InlineData("{}", "The cmp of a filter is one of")]
    [InlineData("""{"key":"a","cmp":"like","val":"b"}""", "The cmp of a filter is one of")]
    [InlineData("""{"cmp":"eq","val":"b"}""", "The cmp eq of a filter needs a key.")]
    [InlineData("""{"key":"a","cmp":"eq"}""", "The cmp eq of a filter takes a val that is not empty, and no vals.")]
    [InlineData("""{"key":"a","cmp":"eq","val":"b","vals":["c"]}""", "The cmp eq of a filter takes a val that is not empty, and no vals.")]
    [InlineData("""{"key":"a","cmp":"in"}""", "The cmp in of a filter takes vals, at least one, and no val.")]
    [InlineData("""{"key":"a","cmp":"in","val":"b","vals":["c"]}""", "The cmp in of a filter takes vals, at least one, and no val.")]
    [InlineData("""{"key":"a","cmp":"ex","val":"b"}""", "The cmp ex of a filter takes neither val nor vals.")]
    [InlineData("""{"op":"and"}""", "An \"and\" of a filter needs a node.")]
    [InlineData("""{"op":"or","nodes":[]}""", "An \"or\" of a filter needs a node.")]
    [InlineData("""{"op":"or","nodes":[null]}""", "A node of a filter is null.")]
    [InlineData("""{"op":"not","nodes":[{"key":"a","cmp":"ex"},{"key":"b","cmp":"ex"}]}""",
        "A \"not\" of a filter needs exactly one node.")]
    [InlineData("""{"op":"xor","nodes":[{"key":"a","cmp":"ex"}]}""", "The op of a filter is")]
    [InlineData("""{"key":"a","cmp":"in","vals":["b",null]}""", "A value of a filter is null.")]
    public void A_malformed_filter_is_refused_with_its_rule(string json, string expected)
    {
        string? problem = TagsFilterReader.Read(Encoding.UTF8.GetBytes(json), out TagsFilter? filter);

        Assert.StartsWith(expected, problem, StringComparison.Ordinal);
        Assert.Null(filter);
    }

    [Fact]
    public void A_filter_that_is_too_large_is_refused()
    {
        string leaf = """{"key":"a","cmp":"ex"}""";
        string wide = $$"""{"op":"and","nodes":[{{string.Join(',', Enumerable.Repeat(leaf, TagsFilterReader.NodesMax))}}]}""";
        string deep = string.Concat(Enumerable.Repeat("""{"op":"not","nodes":[""", 16)) + leaf + string.Concat(Enumerable.Repeat("]}", 16));
        string values =
            $$"""{"key":"a","cmp":"in","vals":[{{string.Join(',', Enumerable.Repeat("\"x\"", TagsFilterReader.ValuesMax + 1))}}]}""";

        Assert.Equal("A filter has more than 256 nodes.", TagsFilterReader.Read(Encoding.UTF8.GetBytes(wide), out _));
        Assert.Equal("A filter is nested deeper than 16.", TagsFilterReader.Read(Encoding.UTF8.GetBytes(deep), out _));
        Assert.Equal("A filter has more than 4096 values.", TagsFilterReader.Read(Encoding.UTF8.GetBytes(values), out _));
    }
}
