using Broker.Cluster.Protocol.Copies;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Tests.Cluster.Scripted;

/// <summary>
/// For each rule of the copies the interleaving that it exists for: with the rule nothing is lost or answered wrongly, and without it
/// something is. H is the home, F its follower, G the next in rank; X and Y claim.
/// </summary>
public class CopyRuleTests
{
    private static readonly Dictionary<string, Action<ScriptedCluster>> s_scripts = new()
    {
        [nameof(CopyRules.AcknowledgeWhatAllHave)] = PublishToACutFollower,
        [nameof(CopyRules.DeliverWhatIsAcknowledged)] = PublishToACutFollower,
        [nameof(CopyRules.PromiseFences)] = AppendBetweenPromiseAndState,
        [nameof(CopyRules.FreezeWhileSetChanges)] = PublishBeforeTheSetIsRecorded,
        [nameof(CopyRules.ReadBackAfterChange)] = RecordASetAfterAnotherHasClaimed,
        [nameof(CopyRules.ReadBackBeforeActive)] = ClaimWhileAnotherRecords,
        [nameof(CopyRules.CollectFromNewestSet)] = ChangeTheSetDuringAClaim,
        [nameof(CopyRules.WaitForHolders)] = ClaimWhileTheHolderIsSlow,
        [nameof(CopyRules.ProveReads)] = ReadAtADeposedHome,
        [nameof(CopyRules.SeeMajority)] = PublishOnTheSmallerSide,
        [nameof(CopyRules.TrustOnlyNewLogs)] = RestoreAStoreFromABackup,
        [nameof(CopyRules.ProveRecalledSets)] = StartAgainWithAnOldDisk,
        ["ReadFromAll"] = ReadARegisterThatWasWrittenToOthers,
        ["NewStoreNewId"] = StartAgainWithAnEmptyStore,
    };

    public static TheoryData<string> Rules => [.. s_scripts.Keys];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Rule_holds_where_it_matters(string rule)
    {
        var cluster = new ScriptedCluster();
        s_scripts[rule](cluster);
        cluster.Judge();
        Assert.Empty(cluster.Violations);
        Assert.Single(cluster.Running, static each => each.State == HomeState.Active);
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Violation_shows_where_a_rule_is_left_out(string rule)
    {
        var cluster = new ScriptedCluster(Enum.TryParse(rule, out CopyRules broken) ? broken : CopyRules.None) { IsHostBroken = true };
        s_scripts[rule](cluster);
        cluster.Judge();
        Assert.True(cluster.Violations.Count > 0, string.Join(Environment.NewLine, cluster.Story));
    }

    [Fact]
    public void Every_rule_has_its_scenario() =>
        Assert.Equal([], Enum.GetNames<CopyRules>().Except([nameof(CopyRules.None), .. s_scripts.Keys]));

    [Fact]
    public void Holder_that_has_lost_its_log_is_not_waited_for()
    {
        var cluster = new ScriptedCluster();
        RestoreAStoreFromABackup(cluster);
        Assert.Single(cluster.Running, static each => each.State == HomeState.Active);
    }

    // H publishes what F never has; then H ends, and F goes on.
    private static void PublishToACutFollower(ScriptedCluster cluster)
    {
        if (cluster.Form(3) is not [var h, var f, var g]) return;
        cluster.Cut(h, f);
        cluster.Publish(h, "second");
        cluster.Advance(0.2);
        cluster.Crash(h);
        cluster.SetMembers(f, g);
        cluster.Advance(10);
        Assert.True(cluster.Publish(f, "other"));
    }

    // F has promised X, and H appends before F has given X its log.
    private static void AppendBetweenPromiseAndState(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, var f, _, var x]) return;
        cluster.MissWrites.Add(h);
        cluster.Holds = (from, to, message) =>
            message is SnapshotPart || (from == x && to == h) || (from == f && to == h && message is Announce);
        x.Claim();
        cluster.Pump();
        Assert.Equal(HomeState.Collecting, x.State);
        cluster.Publish(h, "second");
        cluster.MissWrites.Clear();
        cluster.Holds = static (_, _, _) => false;
        cluster.Pump();
        cluster.Advance(10);
    }

    // H has synced G in place of F, and the new set is not in the register yet.
    private static void PublishBeforeTheSetIsRecorded(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, var f, _, var x]) return;
        cluster.Cut(h, f);
        h.HoldsRegister = true;
        cluster.Advance(1.8);
        Assert.Equal(HomeState.Frozen, h.State);
        cluster.Publish(h, "second");
        ClaimFromFollower(cluster, h, x);
    }

    // X has claimed and read the register when H records another set, and H has not learned of the claim.
    private static void RecordASetAfterAnotherHasClaimed(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, var f, _, var x]) return;
        cluster.Cut(h, f);
        h.HoldsRegister = true;
        cluster.Advance(1.8);
        Assert.Equal(HomeState.Frozen, h.State);
        cluster.MissWrites.Add(h);
        cluster.Holds = (from, to, _) => from == x && to == h;
        x.HoldsRegister = true;
        x.Claim();
        for (int step = 0; step < 3; step++) x.StepRegister();      // Read, write the claim, read again.
        cluster.Pump();
        h.HoldsRegister = false;
        cluster.Pump();
        cluster.Publish(h, "second");
        x.HoldsRegister = false;
        cluster.MissWrites.Clear();
        cluster.Holds = static (_, _, _) => false;
        cluster.Pump();
        cluster.Advance(10);
    }

    // X has collected from F and Y from H; X records its set after Y has claimed, and has not learned of that.
    private static void ClaimWhileAnotherRecords(ScriptedCluster cluster)
    {
        if (cluster.Form(5) is not [var h, var f, var g, var x, var y]) return;
        cluster.Cut(y, f);
        cluster.Advance(1.6);       // Y receives nothing of F, and takes another follower.
        cluster.SetMembers([h, f, g, x, y], draining: [h]);     // So F is X's follower, and not H.
        cluster.Holds = (from, to, _) => from == x && to == h;
        x.HoldsRegister = true;
        cluster.MissWrites.Add(h);
        x.Claim();
        for (int step = 0; step < 3; step++) x.StepRegister();
        cluster.Pump();
        Assert.Equal(HomeState.Recording, x.State);

        cluster.MissWrites.Clear();
        cluster.MissWrites.Add(x);
        cluster.Holds = (from, to, _) => (from == x && to == h) || (from == y && to == x);
        y.HoldsRegister = true;
        y.Claim();
        for (int step = 0; step < 3; step++) y.StepRegister();
        cluster.Pump();
        y.HoldsRegister = true;

        x.HoldsRegister = false;
        cluster.Pump();
        cluster.Publish(x, "second");
        y.HoldsRegister = false;
        cluster.MissWrites.Clear();
        cluster.Pump();
        cluster.Holds = static (_, _, _) => false;
        cluster.Advance(10);
    }

    // X has read the register; H replaces F by G and publishes; X writes its claim.
    private static void ChangeTheSetDuringAClaim(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, var f, _, var x]) return;
        x.HoldsRegister = true;
        x.Claim();
        x.StepRegister();
        cluster.Cut(h, f);
        cluster.Advance(3);
        Assert.True(cluster.Publish(h, "second"));
        ClaimFromFollower(cluster, h, x);
    }

    // F has everything and answers late; G claims.
    private static void ClaimWhileTheHolderIsSlow(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, var f, var g, var x]) return;
        cluster.Crash(h);
        cluster.Holds = (from, _, message) => from == f && message is Promised;
        cluster.SetMembers([f, g, x], draining: [f]);
        cluster.Advance(10);
        cluster.Holds = static (_, _, _) => false;
        cluster.Advance(10);
        Assert.True(cluster.Publish(g, "second"));
    }

    // X is the home, with F, and H has not learned of it.
    private static void ReadAtADeposedHome(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, _, _, var x]) return;
        cluster.Cut(h, x);
        cluster.MissWrites.Add(h);
        cluster.Advance(1.6);       // X receives nothing of H, and takes F.
        cluster.Holds = (_, to, message) => to == h && message is Announce;
        x.Claim();
        cluster.Pump();
        Assert.Equal(HomeState.Active, x.State);
        Assert.True(cluster.Publish(x, "second"));
        h.Read();
        cluster.MissWrites.Clear();
        cluster.Holds = static (_, _, _) => false;
        cluster.Advance(1);
    }

    // H and F are on the smaller side of a split, which ends.
    private static void PublishOnTheSmallerSide(ScriptedCluster cluster)
    {
        if (cluster.Form(5) is not [var h, var f, var g, var x, var y]) return;
        foreach (ScriptedNode each in (ScriptedNode[])[g, x, y])
        {
            cluster.Cut(h, each);
            cluster.Cut(f, each);
        }

        cluster.Advance(3);
        if (cluster.Publish(h, "second")) cluster.Violations.Add("The smaller side acknowledged after three seconds.");
        cluster.Crash(h, f);
        cluster.SetMembers(g, x, y);
        cluster.Advance(30);
    }

    // The store of X's follower is that of an earlier term again, and X ends.
    private static void RestoreAStoreFromABackup(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, var f, var g, var x]) return;
        var backup = new MemoryReplicaLog();
        backup.Install(f.Log.LogTerm, f.Log.Snapshot());
        cluster.Crash(h);
        cluster.SetMembers(f, g, x);
        cluster.Advance(2);
        Assert.True(cluster.Publish(f, "second"));
        ScriptedNode holder = cluster.Running.Single(each => each != f && f.Replicas!.Stores.Contains(each.Store));
        ScriptedNode other = cluster.Running.Single(each => each != f && each != holder);
        cluster.Crash(f, holder);
        ScriptedNode restored = cluster.Start(backup, holder.Store);
        cluster.SetMembers([restored, other], draining: [restored]);
        cluster.Advance(30);
        Assert.True(cluster.Publish(other, "third"));
    }

    // H has replaced F; all end, and of the disks only F's is left.
    private static void StartAgainWithAnOldDisk(ScriptedCluster cluster)
    {
        if (cluster.Form(5) is not [var h, var f, ..]) return;
        cluster.Cut(h, f);
        cluster.MissWrites.Add(f);
        cluster.Advance(3);
        Assert.True(cluster.Publish(h, "second"));
        StartAgain(cluster, f, cluster.Start(), cluster.Start());
    }

    // H has recorded a set with G, which F and Y have not learned of; H and X end.
    private static void ReadARegisterThatWasWrittenToOthers(ScriptedCluster cluster)
    {
        if (cluster.Form(5) is not [var h, var f, var g, var x, var y]) return;
        cluster.Cut(h, f);
        cluster.MissWrites.Add(f);
        cluster.MissWrites.Add(y);
        cluster.Advance(3);
        Assert.True(cluster.Publish(h, "second"));
        cluster.Crash(h, x);
        if (cluster.IsHostBroken) cluster.ReadsMajorityOf = [f, y];
        cluster.SetMembers(f, g, y);
        cluster.Advance(10);
        Assert.True(cluster.Publish(cluster.Running.Single(static each => each.State == HomeState.Active), "third"));
    }

    // X has taken over from H with F's promise, which H has not learned; all end. H has its disk, F an empty one under the same id.
    private static void StartAgainWithAnEmptyStore(ScriptedCluster cluster)
    {
        if (cluster.Form(4) is not [var h, var f, _, var x]) return;
        cluster.Cut(h, x);
        cluster.MissWrites.Add(h);
        cluster.Advance(1.6);
        cluster.Holds = (_, to, message) => to == h && message is Announce or Refused;
        x.Claim();
        cluster.Pump();
        Assert.True(cluster.Publish(x, "second"));
        ScriptedNode empty = cluster.IsHostBroken ? cluster.Start(store: f.Store) : cluster.Start();
        StartAgain(cluster, h, empty, cluster.Start());
    }

    // All processes end; one has its disk.
    private static void StartAgain(ScriptedCluster cluster, ScriptedNode disk, params ScriptedNode[] others)
    {
        cluster.Crash([.. cluster.Running.Except(others)]);
        cluster.Holds = static (_, _, _) => false;
        cluster.MissWrites.Clear();
        ScriptedNode returned = cluster.Start(disk.Log, disk.Store);
        cluster.SetMembers([returned, .. others]);
        cluster.Advance(30);
        ScriptedNode home = cluster.Running.Single(static each => each.State == HomeState.Active);
        Assert.True(cluster.Publish(home, "third"));
    }

    // X claims and collects from F, as H does not answer it in time.
    private static void ClaimFromFollower(ScriptedCluster cluster, ScriptedNode h, ScriptedNode x)
    {
        cluster.MissWrites.Add(h);
        cluster.Holds = (from, to, _) => from == x && to == h;
        x.HoldsRegister = false;
        x.Claim();
        cluster.Pump();
        cluster.MissWrites.Clear();
        h.HoldsRegister = false;
        cluster.Holds = static (_, _, _) => false;
        cluster.Pump();
        cluster.Advance(10);
    }
}
