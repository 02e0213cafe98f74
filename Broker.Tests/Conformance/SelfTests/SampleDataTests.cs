using System.Text;
using Broker.Tests.Conformance.Cases;
using Xunit;

namespace Broker.Tests.Conformance.SelfTests;

public sealed class SampleDataTests
{
    [Fact]
    public void The_page_has_26_characters_outside_ascii()
    {
        string page = Encoding.UTF8.GetString(SampleData.Html.SliceAt(0, 263_620).ToArray());

        Assert.Equal(263_620, page.Length);
        Assert.Equal(26, page.Count(c => !char.IsAscii(c)));
    }

    [Fact]
    public void Slices_follow_each_other_and_go_round_at_the_end()
    {
        byte[] first = SampleData.Json.SliceAt(0, 131_072).ToArray();
        byte[] second = SampleData.Json.SliceAt(1, 131_072).ToArray();

        Assert.Equal(131_072, second.Length);
        Assert.Equal(first[..(131_072 - (194_056 - 131_072))], second[(194_056 - 131_072)..]);
    }
}
