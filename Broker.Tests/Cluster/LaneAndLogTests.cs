using Broker.Cluster.Protocol.Lanes;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Register;

namespace Broker.Tests.Cluster;

public class LaneAndLogTests
{
    private static readonly Term s_term = new(1, new MemberId(1));

    [Fact]
    public void Lane_goes_through_its_states()
    {
        var lane = new LaneMachine(new LaneLimits(), new Random(1));
        Assert.Equal(LaneAction.Dial, lane.Tick(TimeSpan.Zero));
        Assert.Equal(LaneAction.Begin, lane.OnWelcome(TimeSpan.Zero));
        lane.Tick(TimeSpan.FromSeconds(1.6));
        Assert.Equal(LaneState.Silent, lane.State);
        lane.OnReceived(TimeSpan.FromSeconds(2));
        Assert.Equal(LaneState.Up, lane.State);
        lane.Tick(TimeSpan.FromSeconds(4));
        Assert.Equal(LaneAction.Close, lane.Tick(TimeSpan.FromSeconds(7.1)));
        Assert.Equal(LaneState.Down, lane.State);
        Assert.Equal(LaneAction.Close, lane.OnRemoved());
        Assert.Equal(LaneAction.None, lane.Tick(TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Lane_that_is_refused_for_good_is_reported_once()
    {
        var lane = new LaneMachine(new LaneLimits(), new Random(1));
        lane.Tick(TimeSpan.Zero);
        Assert.Equal(LaneAction.ReportRefusal, lane.OnRefused());
        Assert.Equal(LaneAction.None, lane.OnRefused());
        Assert.Equal(LaneAction.None, lane.Tick(TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Lane_is_dialled_again_after_a_growing_pause()
    {
        var limits = new LaneLimits();
        var lane = new LaneMachine(limits, new Random(1));
        TimeSpan now = TimeSpan.Zero;
        for (int attempt = 0; attempt < 40; attempt++)
        {
            Assert.Equal(LaneAction.Dial, lane.Tick(now));
            lane.OnError(now);
            TimeSpan pause = lane.DialAt - now, most = TimeSpan.FromMilliseconds(Math.Min(2000, 50 * Math.Pow(2, attempt)));
            Assert.InRange(pause, most / 2, most);
            now = lane.DialAt;
        }
    }

    [Fact]
    public void Full_lane_drops_deliveries_and_breaks_for_the_log()
    {
        var account = new LaneAccount(new LaneLimits { WaitingBytesMax = 100 });
        Assert.Equal(LaneVerdict.Queue, account.Queue(LaneClass.Control, 100, TimeSpan.Zero));
        Assert.Equal(LaneVerdict.Drop, account.Queue(LaneClass.KeptDelivery, 1, TimeSpan.Zero));
        Assert.Equal(LaneVerdict.DropAndNotify, account.Queue(LaneClass.VolatileDelivery, 1, TimeSpan.Zero));
        Assert.Equal(LaneVerdict.Break, account.Queue(LaneClass.Control, 1, TimeSpan.Zero));
        account.OnTaken(50, TimeSpan.FromSeconds(4));
        Assert.Equal(LaneVerdict.Queue, account.Queue(LaneClass.Control, 50, TimeSpan.FromSeconds(4)));
        Assert.True(account.IsStuck(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void Snapshot_in_parts_makes_the_same_log()
    {
        var log = new MemoryReplicaLog();
        log.Begin(s_term);
        for (ulong offset = 1; offset <= 50; offset++) Publish(log, "a", offset, keep: 20);
        Publish(log, "b", 1, keep: 0);
        log.Append(new LogEntry(LogEntryKind.Evict, log.Sequence + 1, "b", log.Top("b").Epoch, 1));
        log.Append(new LogEntry(LogEntryKind.ExpireKeys, log.Sequence + 1, "", 0, 10));
        LogSnapshot whole = log.Snapshot();
        var entries = new List<LogEntry>();
        for (int part = 0; ; part++)
        {
            entries.AddRange(whole.Part(part, 300, out bool isLast));
            if (isLast) break;
        }

        var copy = new MemoryReplicaLog();
        copy.Install(s_term, new LogSnapshot(whole.Lineage, whole.Sequence, entries));
        Assert.Equal(whole.Entries, copy.Snapshot().Entries);
        Assert.Equal(
            (log.Sequence, log.Generation, log.OldestKey, log.Top("a"), log.Top("b")),
                (copy.Sequence, copy.Generation, copy.OldestKey, copy.Top("a"), copy.Top("b")));
        Assert.Equal(20, copy.Read("a", 0, ulong.MaxValue, 100).Count);
        Assert.Null(copy.FindKey("a", "a10"));
        Assert.Equal(11ul, copy.FindKey("a", "a11")!.Value.Position.Offset);
    }

    [Fact]
    public void Channel_that_is_removed_begins_again_with_another_epoch()
    {
        var log = new MemoryReplicaLog();
        log.Begin(s_term);
        ChannelPosition before = log.Top("a");
        Publish(log, "a", 1, keep: 0);
        Assert.Equal(before.Epoch, log.Top("a").Epoch);
        log.Append(new LogEntry(LogEntryKind.Evict, log.Sequence + 1, "a", before.Epoch, 1));
        Assert.NotEqual(before.Epoch, log.Top("a").Epoch);
        Assert.Equal(0ul, log.Top("a").Offset);
    }

    [Fact]
    public void Node_that_did_not_run_has_received_nothing()
    {
        var activity = new PeerActivity(new MemberId(1), TimeSpan.FromSeconds(2));
        var view = new MembershipView(
            [new ClusterMember(new MemberId(1), new StoreId(1)), new ClusterMember(new MemberId(2), new StoreId(2)),
                new ClusterMember(new MemberId(3), new StoreId(3))]);
        activity.Observe(TimeSpan.Zero);
        activity.Received(new MemberId(2), TimeSpan.Zero);
        Assert.True(activity.SeesMajority(view, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10)));
        activity.Observe(TimeSpan.FromSeconds(5));
        Assert.False(activity.SeesMajority(view, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10)));
    }

    private static void Publish(MemoryReplicaLog log, string channel, ulong offset, int keep) =>
        log.Append(new LogEntry(LogEntryKind.Publication, log.Sequence + 1, channel, log.Top(channel).Epoch, offset)
            { Key = $"{channel}{offset}", KeepMax = keep });
}
