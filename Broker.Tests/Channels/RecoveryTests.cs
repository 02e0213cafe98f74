using Broker.Actors.Channels.History;
using Broker.Actors.Model;

namespace Broker.Tests.Channels;

public sealed class RecoveryTests
{
    private const ulong Epoch = 77;

    [Theory]
    [InlineData(Epoch, 3, 5, "4 5", true, "4 5", 3)]        // What was missed.
    [InlineData(Epoch, 5, 5, "", true, "", 5)]              // Nothing was missed.
    [InlineData(0, 3, 5, "4 5", true, "4 5", 3)]            // No epoch named.
    [InlineData(0, 0, 2, "1 2", true, "1 2", 0)]            // From the start, all there.
    [InlineData(0, 0, 0, "", true, "", 0)]                  // From the start, nothing published yet.
    [InlineData(Epoch, 1, 5, "4 5", false, "", 5)]          // Evicted.
    [InlineData(Epoch, 3, 5, "", false, "", 5)]             // Expired, with movement.
    [InlineData(Epoch, 3, 400, "4 5", false, "", 400)]      // Over the limit: the top is not reached.
    [InlineData(78, 3, 5, "4 5", false, "", 5)]             // Another epoch.
    [InlineData(StreamEpoch.Foreign, 0, 5, "1 2 3 4 5", false, "", 5)]
    [InlineData(Epoch, 9, 5, "", false, "", 5)]             // A position that never was.
    public void A_stream_is_recovered_if_everything_is_there(
        ulong epoch, ulong since, ulong top, string read, bool recovered, string given, ulong offset)
    {
        RecoveryResult result = Recovery.Decide(RecoveryMode.Stream, new StreamPosition(epoch, since), Page(top, read));

        Assert.Equal(
            (recovered, given, new StreamPosition(Epoch, offset)), (result.IsRecovered, Offsets(result.Publications), result.Position));
    }

    [Theory]
    [InlineData(Epoch, 3, 5, "5", true, "5", 3)]            // The newest stands for all.
    [InlineData(0, 0, 5, "5", true, "5", 0)]
    [InlineData(78, 3, 5, "5", true, "5", 3)]
    [InlineData(Epoch, 5, 5, "5", true, "", 5)]             // It has it already.
    [InlineData(Epoch, 5, 5, "", true, "", 5)]
    [InlineData(Epoch, 3, 5, "", false, "", 5)]             // Expired.
    [InlineData(0, 0, 0, "", false, "", 0)]                 // Nothing there yet.
    public void A_cache_is_recovered_with_the_newest(
        ulong epoch, ulong since, ulong top, string read, bool recovered, string given, ulong offset)
    {
        RecoveryResult result = Recovery.Decide(RecoveryMode.Cache, new StreamPosition(epoch, since), Page(top, read));

        Assert.Equal(
            (recovered, given, new StreamPosition(Epoch, offset)), (result.IsRecovered, Offsets(result.Publications), result.Position));
    }

    [Fact]
    public void The_query_leaves_the_epoch_to_the_decision()
    {
        Assert.Equal(
            new HistoryQuery(new StreamPosition(0, 3), 300), Recovery.QueryFor(RecoveryMode.Stream, new StreamPosition(Epoch, 3), 300));
        Assert.Equal(new HistoryQuery(null, 1, true), Recovery.QueryFor(RecoveryMode.Cache, new StreamPosition(Epoch, 3), 300));
    }

    private static HistoryPage Page(ulong top, string offsets) => new(new StreamPosition(Epoch, top), Publications(offsets));

    private static Publication[] Publications(string offsets) =>
        [.. offsets.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(each => new Publication { Offset = ulong.Parse(each, System.Globalization.CultureInfo.InvariantCulture) })];

    private static string Offsets(IReadOnlyList<Publication> publications) => string.Join(' ', publications.Select(each => each.Offset));
}
