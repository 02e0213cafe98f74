using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Wire;
using Xunit;

namespace Broker.Tests.Conformance.SelfTests;

public sealed class CaseCatalogTests
{
    [Theory]
    [InlineData(1, 16)]
    [InlineData(2, 11)]
    [InlineData(3, 7)]
    [InlineData(4, 10)]
    [InlineData(5, 20)]
    [InlineData(6, 145)]
    [InlineData(7, 37)]
    [InlineData(9, 54)]
    [InlineData(10, 1)]
    [InlineData(12, 90)]
    [InlineData(13, 126)]
    public void Every_group_has_all_its_cases(int group, int cases) =>
        Assert.Equal(cases, CaseCatalog.All.Count(c => c.Group == group));

    [Fact]
    public void There_are_517_cases_of_different_ids() =>
        Assert.Equal(517, CaseCatalog.All.Select(c => c.Id).Distinct().Count());

    [Fact]
    public void Every_octet_sequence_is_valid_exactly_where_the_runtime_agrees() =>
        Assert.All(Utf8Sequences.All,
            s => Assert.Equal(s.Valid, System.Text.Unicode.Utf8.IsValid(Convert.FromHexString(s.Hex.Replace(" ", "")))));

    [Fact]
    public void A_selection_takes_ids_and_starts()
    {
        Assert.Equal(["7.1.1", "10.1.1"], CaseCatalog.Select("10.1.1, 7.1.1").Select(c => c.Id));
        Assert.Equal(126, CaseCatalog.Select("13.*").Count);
    }

    [Fact]
    public void The_sample_of_6_2_has_29_octets_and_is_cut_between_characters()
    {
        WireFrame[] frames = [.. FramesOf("6.2.2")];

        Assert.Equal(Convert.FromHexString("48656c6c6f2dc2b540c39fc3b6c3a4"), frames[0].Payload.ToArray());
        Assert.Equal(Convert.FromHexString("c3bcc3a0c3a12d5554462d382121"), frames[1].Payload.ToArray());
    }

    [Fact]
    public void A_message_that_its_fragment_size_divides_ends_in_an_empty_frame()
    {
        WireFrame[] frames = [.. WireFrame.Fragments(1, Octets.Repeat("*"u8, 4 << 20), 64)];

        Assert.Equal(65_537, frames.Length);
        Assert.Equal(0, frames[^1].Payload.Length);
        Assert.Equal([frames[^1]], frames.Where(f => f.Final));
    }

    [Fact]
    public void Frames_of_1300_octets_carry_65536_in_51()
    {
        WireFrame[] frames = [.. WireFrame.Fragments(1, Octets.Repeat("*"u8, 65_536), 1300)];

        Assert.Equal(51, frames.Length);
        Assert.Equal(536, frames[^1].Payload.Length);
    }

    private static IEnumerable<WireFrame> FramesOf(string id) =>
        CaseCatalog.All.Single(c => c.Id == id).Steps.OfType<CaseStep.Send>().SelectMany(s => s.Frames);
}
