using System.Collections.Immutable;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Placement;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Copies;

/// <summary>
/// A node's part as home of a partition, or as claimant. This file: who claims, and what comes and goes. The others: claiming, copying.
/// </summary>
/// <remarks>
/// <code>
/// None → Claiming → Collecting → Syncing → Recording → Active ⇄ Frozen
///                                                        │  ⇅
///                                                        └ Sealed            any → None when a higher term is met
/// </code>
/// </remarks>
internal sealed partial class PartitionHome(
    int partition, IReplicaLog log, StoreId store, PeerActivity activity, CopySettings settings, Random random, IPartitionOutput output)
{
    private readonly WaitingPublications _waiting = new(partition, settings.WaitingBytesMax, output);
    private readonly Queue<(ulong Request, ulong Round)> _reads = new();
    private MembershipView _view = MembershipView.Empty;
    private ImmutableArray<ClusterMember> _ranked = [];
    private ClusterMember? _self;

    // Who may claim, and when.
    private TimeSpan _retryAt;
    private TimeSpan _stoppedAt;
    private TimeSpan _incumbentHeardAt;
    private Term _handedOver;

    internal HomeState State { get; private set; }

    internal Term Term { get; private set; }

    internal ReplicaSet? Set { get; private set; }

    internal ulong Committed { get; private set; }

    /// <summary>What this node knows of the register.</summary>
    internal RegisterRecord Record { get; private set; } = log.Record;

    private bool IsHome => State is HomeState.Active or HomeState.Frozen or HomeState.Sealed;

    internal static ClusterMember? FirstRanked(int partition, MembershipView view) =>
        PartitionMap.RankedHome(PartitionMap.RankMembers(partition, view));

    internal void OnView(MembershipView view, TimeSpan now)
    {
        bool isFirst = _view.Members.Length == 0;
        bool hadIncumbent = _view.Contains(IncumbentOf(Record));
        _view = view;
        _ranked = PartitionMap.RankMembers(partition, view);
        _self = view.Find(activity.Self);
        if (isFirst || hadIncumbent != view.Contains(IncumbentOf(Record))) _incumbentHeardAt = now;
        if (_self is null && State != HomeState.None) Stop(now);
    }

    internal void OnRegister(RegisterRecord record, TimeSpan now)
    {
        Learn(record, now);
        if (State != HomeState.None && Record.Claim > Term && State != HomeState.Claiming) Stop(now);
    }

    /// <summary>A home of this term uses, so no one needs to claim.</summary>
    internal void OnIncumbent(Term term, TimeSpan now)
    {
        if (Record.Set is null || term >= Record.Set.Term) _incumbentHeardAt = now;
    }

    /// <summary>A home is active in this term.</summary>
    internal void OnAnnounce(Announce message, TimeSpan now)
    {
        OnIncumbent(message.Term, now);
        if (IsHome && message.Term > Term) Stop(now);
    }

    internal void OnHandOver(HandOver message, TimeSpan now)
    {
        if (State != HomeState.None || message.Term < log.Promised || _self is not { TakesHomes: true }) return;
        _handedOver = Term.Max(_handedOver, message.Term);
        Claim();
    }

    internal void OnRefused(Refused message, TimeSpan now)
    {
        if (State != HomeState.None && message.Term == Term && message.Higher > Term) Stop(now);
    }

    /// <summary>The node's own replica may have promised a higher term.</summary>
    internal void CheckPromise(TimeSpan now)
    {
        if (State is not (HomeState.None or HomeState.Claiming) && log.Promised > Term) Stop(now);
    }

    internal void Publish(ulong request, in PublishCommand command, TimeSpan now)
    {
        if (!IsHome)
        {
            output.Replied(partition, request, PublishOutcome.NotHome, default);
            return;
        }

        if (!_waiting.HasRoom(command))
        {
            output.Replied(partition, request, PublishOutcome.Overloaded, default);
            return;
        }

        if (State == HomeState.Active) Place(request, command, now);
        else _waiting.Wait(request, command);
    }

    internal bool Trim(string channel, ulong offset)
    {
        if (State != HomeState.Active) return false;
        ChannelPosition top = log.Top(channel);
        if (top.Offset > 0)
            AppendOwn(new LogEntry(LogEntryKind.Trim, log.Sequence + 1, channel, top.Epoch, offset) { TimeMilliseconds = _lastTime });
        return true;
    }

    internal bool Evict(string channel)
    {
        if (State != HomeState.Active) return false;
        ChannelPosition top = log.Top(channel);
        if (top.Offset > 0)
            AppendOwn(new LogEntry(LogEntryKind.Evict, log.Sequence + 1, channel, top.Epoch, top.Offset) { TimeMilliseconds = _lastTime });
        return true;
    }

    internal void BeginRead(ulong request, TimeSpan now)
    {
        if (!IsHome)
        {
            output.Proven(partition, request, isHome: false);
            return;
        }

        if (settings.Broken.HasFlag(CopyRules.ProveReads))
        {
            output.Proven(partition, request, isHome: true);
            return;
        }

        _reads.Enqueue((request, ++_round));
        Settle(now);
    }

    internal ChannelPosition CommittedTop(string channel)
    {
        ChannelPosition top = log.Top(channel);
        foreach (LogEntry each in _tail)
        {
            if (each.Sequence > Committed && each.Kind == LogEntryKind.Publication && each.Channel == channel && each.Epoch == top.Epoch
                && each.Offset <= top.Offset)
                return top with { Offset = each.Offset - 1 };
        }

        return top;
    }

    internal void Tick(TimeSpan now)
    {
        CheckPromise(now);
        switch (State)
        {
            case HomeState.None:
                if (now >= _retryAt && ShouldClaim(now)) Claim();
                break;
            case HomeState.Collecting:
                Collect(now);
                break;
            case HomeState.Syncing:
            case HomeState.Frozen:
                if (_step == Step.None) SyncSet(now);
                break;
            case HomeState.Active:
                TickActive(now);
                break;
            case HomeState.Sealed:
                TickSealed(now);
                break;
            default:
                break;
        }

        if (_step == Step.Again && now >= _retryAt) RetryOperation(now);
        Rewind(now);
        AnnounceToFirst(now);
        Settle(now);
    }

    internal void AnnounceTo(MemberId peer)
    {
        if (IsHome && peer != activity.Self) output.Send(peer, new Announce(partition, Term));
    }

    /// <summary>Claims whatever the ranking says: a rival, in tests.</summary>
    internal void ClaimAgainstRank()
    {
        if (State == HomeState.None && _self is not null) Claim();
    }

    private static MemberId IncumbentOf(RegisterRecord record) => record.Set?.Term.Member ?? default;

    // The register is read from all members, so no one claims while one is unreachable: the engine removes it first.
    private bool ShouldClaim(TimeSpan now)
    {
        if (_self is null || !_view.IsWhole) return false;
        MemberId incumbent = IncumbentOf(Record);
        bool isClaimed =
            Record.Claim.Member != activity.Self && Record.Claim > (Record.Set?.Term ?? Term.None) && _view.Contains(Record.Claim.Member);
        if (isClaimed && now - _stoppedAt < settings.HandOverMax) return false;
        if (incumbent == activity.Self) return _self.TakesHomes;
        if (PartitionMap.RankedHome(_ranked)?.Id != activity.Self) return false;
        return !_view.Contains(incumbent) || now - _incumbentHeardAt > settings.TakeoverAfter;
    }

    private void Learn(RegisterRecord record, TimeSpan now)
    {
        MemberId before = IncumbentOf(Record);
        RegisterRecord merged = Record.Merge(record);
        if (merged == Record) return;
        Record = merged;
        log.Remember(merged);
        if (IncumbentOf(merged) != before) _incumbentHeardAt = now;
    }

    private void AnnounceToAll()
    {
        foreach (ClusterMember each in _view.Members) AnnounceTo(each.Id);
    }

    private void AnnounceToFirst(TimeSpan now)
    {
        if (!IsHome || now - _announcedAt < settings.SettleAfter) return;
        _announcedAt = now;
        if (PartitionMap.RankedHome(_ranked) is { } first) AnnounceTo(first.Id);
    }

    private void ChangeState(HomeState state)
    {
        if (state == State) return;
        State = state;
        output.Changed(partition, state, Term);
    }

    // Any state to None. What is in the log stays there: another home finds it or not.
    private void Stop(TimeSpan now)
    {
        _operation = 0;
        _step = Step.None;
        _source = null;
        _followers.Clear();
        _tail.Clear();
        _tailBytes = 0;
        Set = null;
        _next = null;
        _chosen = null;
        _stoppedAt = now;
        _retryAt = now + settings.RetryAfter + (settings.RetryAfter * (2 * random.NextDouble()));
        ChangeState(HomeState.None);
        _waiting.RefuseAll();
        while (_reads.TryDequeue(out (ulong Request, ulong Round) read)) output.Proven(partition, read.Request, isHome: false);
    }
}
