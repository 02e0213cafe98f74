using System.Collections.Immutable;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Placement;

namespace Broker.Cluster.Protocol.Copies;

/// <content>An active home: appends, acknowledges what all replicas have, replaces followers, hands over.</content>
internal sealed partial class PartitionHome
{
    private readonly Dictionary<MemberId, Follower> _followers = [];
    private readonly Dictionary<MemberId, TimeSpan> _avoided = [];     // Members that did not sync in time, until when.

    // The entries that some follower may still need: _tail[0] follows _tailStart. committed <= log.Sequence = _tailStart + _tail.Count.
    private readonly List<LogEntry> _tail = [];
    private ulong _tailStart;
    private int _tailBytes;

    private ImmutableArray<Follower> _inForce = [];          // Of Set, without the home.
    private ImmutableArray<Follower>? _chosen;               // Of the set that is made; null if none is.
    private Register.ReplicaSet? _next;
    private uint _version;
    private ulong _round;
    private readonly Queue<(TimeSpan At, ulong Sequence)> _keyMarks = new();       // How long the log was when.
    private TimeSpan _announcedAt;
    private TimeSpan _keyMarkedAt;

    // A set or a home that would be better, and since when.
    private ImmutableArray<MemberId> _ideal = [];
    private TimeSpan? _idealSince;
    private TimeSpan? _moveSince;
    private TimeSpan _moveRetryAt;
    private TimeSpan _sealedAt;
    private TimeSpan _handOverSentAt;

    internal void OnFetch(MemberId from, Fetch message, TimeSpan now)
    {
        if (message.Term != Term || !_followers.TryGetValue(from, out Follower? follower)) return;
        follower.ProgressAt = now;
        if (message.Part == 0 && follower.Snapshot.Transfer != message.Transfer) follower.Snapshot = (message.Transfer, log.Sequence);
    }

    internal void OnAppended(MemberId from, Appended message, TimeSpan now)
    {
        if (message.Term != Term || State is HomeState.None or HomeState.Claiming or HomeState.Collecting) return;
        if (!_followers.TryGetValue(from, out Follower? follower) || message.UpTo > log.Sequence) return;
        if (message.UpTo < _tailStart) return;       // Late; or it does not have what the home can no longer send, and fetches the state.

        bool isProgress = !follower.HoldsLog || message.UpTo > follower.Acknowledged || message.Round > follower.Round;
        follower.HoldsLog = true;
        follower.Acknowledged = Math.Max(follower.Acknowledged, message.UpTo);
        follower.Sent = Math.Max(follower.Sent, follower.Acknowledged);
        follower.Round = Math.Max(follower.Round, message.Round);
        if (isProgress) follower.ProgressAt = now;
        if (follower.Acknowledged == follower.Sent && follower.Round >= follower.RoundSent) follower.WaitsSince = null;
        else if (isProgress) follower.WaitsSince = now;
        Settle(now);
        if (State is HomeState.Syncing or HomeState.Frozen && _step == Step.None) SyncSet(now);
        if (State == HomeState.Sealed) TickSealed(now);
    }

    internal void Flush(TimeSpan now)
    {
        if (State is HomeState.None or HomeState.Claiming or HomeState.Collecting) return;
        foreach (Follower each in _followers.Values)
        {
            if (!each.HoldsLog) continue;
            if (each.Sent < _tailStart) each.Sent = _tailStart;
            while (each.Sent < log.Sequence || each.RoundSent < _round) Send(each, now);
        }
    }

    private void Send(Follower follower, TimeSpan now)
    {
        follower.WaitsSince ??= now;
        int first = (int)(follower.Sent - _tailStart);
        int count = 0;
        for (int bytes = 0; first + count < _tail.Count; count++)
        {
            bytes += _tail[first + count].Bytes;
            if (count > 0 && bytes > settings.AppendBytes) break;
        }

        output.Send(follower.Member, new Append(partition, Term, follower.Sent, _round, _tail.GetRange(first, count)));
        follower.Sent += (ulong)count;
        follower.RoundSent = _round;
    }

    private void Place(ulong request, in PublishCommand command, TimeSpan now)
    {
        if (log.FindKey(command.Channel, command.Key) is { } known)
        {
            // The first one may not be acknowledged yet; the answers leave in order, so this one waits for all before it.
            _waiting.Place(request, Math.Max(known.Sequence, log.Sequence), PublishOutcome.Repeated, known.Position, command.Bytes);
            Settle(now);
            return;
        }

        ChannelPosition top = log.Top(command.Channel);
        var entry = new LogEntry(LogEntryKind.Publication, log.Sequence + 1, command.Channel, top.Epoch, top.Offset + 1)
        {
            Key = command.Key,
            TimeMilliseconds = command.TimeMilliseconds,
            KeepMax = command.KeepMax,
            Data = command.Data,
        };
        _waiting.Place(request, entry.Sequence, PublishOutcome.Published, new ChannelPosition(entry.Epoch, entry.Offset), command.Bytes);
        AppendOwn(entry);
        if (_inForce.IsEmpty) Settle(now);
    }

    private void AppendOwn(LogEntry entry)
    {
        log.Append(entry);
        _tail.Add(entry);
        _tailBytes += entry.Bytes;
        if (settings.Broken.HasFlag(CopyRules.DeliverWhatIsAcknowledged)) output.Committed(partition, entry);
    }

    private bool Serves(TimeSpan now) =>
        log.Promised <= Term
            && (settings.Broken.HasFlag(CopyRules.SeeMajority) || activity.SeesMajority(_view, now, settings.MajorityAfter));

    // Acknowledges and delivers what all replicas have, and answers the reads whose round is complete.
    private void Settle(TimeSpan now)
    {
        bool isOpen =
            State is HomeState.Active or HomeState.Sealed
                || (State == HomeState.Frozen && settings.Broken.HasFlag(CopyRules.FreezeWhileSetChanges));
        if (!isOpen || !Serves(now)) return;
        ulong safe = log.Sequence, round = ulong.MaxValue;
        foreach (Follower each in _inForce)
        {
            round = Math.Min(round, each.Round);
            if (!settings.Broken.HasFlag(CopyRules.AcknowledgeWhatAllHave))
                safe = Math.Min(safe, each.HoldsLog ? each.Acknowledged : Committed);
        }

        while (Committed < safe)
        {
            LogEntry entry = _tail[(int)(Committed - _tailStart)];
            Committed++;
            if (!settings.Broken.HasFlag(CopyRules.DeliverWhatIsAcknowledged)) output.Committed(partition, entry);
        }

        _waiting.Acknowledge(Committed);
        while (State == HomeState.Active && _reads.TryPeek(out (ulong Request, ulong Round) read) && read.Round <= round)
        {
            _reads.Dequeue();
            output.Proven(partition, read.Request, isHome: true);
        }

        DropTail();
    }

    private void DropTail()
    {
        ulong needed = Committed;
        if (_tailBytes <= settings.WaitingBytesMax)
        {
            foreach (Follower each in _followers.Values)
                needed = Math.Min(
                    needed, each.HoldsLog ? each.Acknowledged : each.Snapshot.Transfer != 0 ? each.Snapshot.Sequence : needed);
        }

        int count = (int)(Math.Max(needed, _tailStart) - _tailStart);

        // Removing from the front moves the rest, so it is done in large steps.
        if (count == 0 || (count < 64 && count < _tail.Count)) return;
        for (int i = 0; i < count; i++) _tailBytes -= _tail[i].Bytes;
        _tail.RemoveRange(0, count);
        _tailStart += (ulong)count;
    }

    // What was sent and not acknowledged in time is sent again: the lane may have broken.
    private void Rewind(TimeSpan now)
    {
        foreach (Follower each in _followers.Values)
        {
            if (each.WaitsSince is not { } since || now - since < settings.RepeatAfter || now - each.RewoundAt < settings.RepeatAfter)
                continue;
            each.RewoundAt = now;
            each.Sent = Math.Max(each.Acknowledged, _tailStart);
            each.RoundSent = 0;
        }
    }

    private void TickActive(TimeSpan now)
    {
        if (!Serves(now) || _self is null) return;
        ExpireKeys(now);
        int wanted = Math.Min(settings.Copies, _view.Members.Count(each => each.TakesCopies && each.Id != activity.Self));
        if (_inForce.Length < wanted || _inForce.Any(each => IsBad(each, now)))
        {
            Freeze(now);
            return;
        }

        if (IdealFollowers(now) is not { } ideal) return;
        if (ideal.Length == _inForce.Length && ideal.All(each => _inForce.Any(follower => follower.Member == each.Id)))
        {
            _idealSince = null;
            Move(now);
            return;
        }

        ImmutableArray<MemberId> ids = [.. ideal.Select(static each => each.Id)];
        if (_idealSince is null || !ids.SequenceEqual(_ideal)) (_ideal, _idealSince) = (ids, now);
        if (now - _idealSince < settings.SettleAfter) return;
        bool isReady = true;
        foreach (ClusterMember each in ideal)
        {
            Follower follower = FollowerOf(each, now);
            Sync(follower, now);
            isReady &= follower.HoldsLog && follower.Acknowledged >= Committed;
        }

        foreach (MemberId each in _followers.Keys.ToArray())
        {
            if (!ids.Contains(each) && !_inForce.Any(follower => follower.Member == each)) _followers.Remove(each);
        }

        if (isReady) Freeze(now);
    }

    // All replicas drop a key at the same entry, whatever their clocks say.
    private void ExpireKeys(TimeSpan now)
    {
        if (!_keyMarks.TryPeek(out (TimeSpan At, ulong Sequence) oldest) || now - _keyMarkedAt >= settings.KeyLifetime / 10)
        {
            _keyMarks.Enqueue((now, log.Sequence));
            _keyMarkedAt = now;
            return;
        }

        if (now - oldest.At < settings.KeyLifetime) return;
        _keyMarks.Dequeue();
        if (log.OldestKey == 0 || log.OldestKey > oldest.Sequence) return;
        AppendOwn(new LogEntry(LogEntryKind.ExpireKeys, log.Sequence + 1, "", Epoch: 0, oldest.Sequence));
    }

    private bool IsBad(Follower follower, TimeSpan now) =>
        !_view.Contains(follower.Member)
        || !activity.IsSeen(follower.Member, now, settings.SilentAfter)
        || (follower.WaitsSince is { } since && now - since > settings.SilentAfter);

    // Frozen: nothing is acknowledged until another set has the whole log, is recorded and is read back.
    private void Freeze(TimeSpan now)
    {
        _chosen = null;
        _idealSince = null;
        ChangeState(HomeState.Frozen);
        SyncSet(now);
    }

    private void SyncSet(TimeSpan now)
    {
        if (_self is null || !activity.SeesMajority(_view, now, settings.MajorityAfter)) return;
        if (_chosen is { } before && before.Any(each => IsLost(each, now))) _chosen = null;
        if (_chosen is null)
        {
            if (IdealFollowers(now) is not { } ideal) return;
            _chosen = [.. ideal.Select(each => FollowerOf(each, now))];
            foreach (Follower each in _chosen) each.ProgressAt = now;
        }

        bool isReady = true;
        foreach (Follower each in _chosen)
        {
            Sync(each, now);
            isReady &= each.HoldsLog && each.Acknowledged >= log.Sequence;
        }

        if (isReady) RecordSet(_chosen.Value);
    }

    private bool IsLost(Follower follower, TimeSpan now)
    {
        if (!_view.Contains(follower.Member) || !activity.IsSeen(follower.Member, now, settings.SilentAfter)) return true;
        if (now - follower.ProgressAt <= settings.SilentAfter) return false;
        _avoided[follower.Member] = now + settings.TakeoverAfter;
        return true;
    }

    private Follower FollowerOf(ClusterMember member, TimeSpan now)
    {
        if (!_followers.TryGetValue(member.Id, out Follower? follower))
            _followers[member.Id] = follower = new Follower(member.Id, member.Store, now);
        return follower;
    }

    private void Sync(Follower follower, TimeSpan now)
    {
        if (follower.HoldsLog || now - follower.SyncSentAt < settings.RepeatAfter) return;
        follower.SyncSentAt = now;
        output.Send(follower.Member, new Sync(partition, Term, _tailStart, _base.Term, _base.Sequence));
    }

    // The best followers among those that are received; of a home that is not the best one, its successor first. Null if there are too few.
    private ImmutableArray<ClusterMember>? IdealFollowers(TimeSpan now)
    {
        List<ClusterMember> others = [.. _ranked.Where(each => each.Id != activity.Self && each.TakesCopies)];
        int wanted = Math.Min(settings.Copies, others.Count);
        List<ClusterMember> received = [.. others.Where(each => activity.IsSeen(each.Id, now, settings.SilentAfter))];
        List<ClusterMember> usable = [.. received.Where(each => !(_avoided.TryGetValue(each.Id, out TimeSpan until) && until > now))];
        if (usable.Count < wanted) usable = received;
        if (usable.Count < wanted) return null;
        ClusterMember? successor = usable.Find(each => each.Id == FirstRanked?.Id);
        if (successor is null) return PartitionMap.ChooseFollowers(usable, _self!, wanted);
        usable.Remove(successor);
        return [successor, .. PartitionMap.ChooseFollowers(usable, _self!, Math.Max(wanted, 1) - 1)];
    }

    // The member that ranks first has everything: it is asked to claim.
    private void Move(TimeSpan now)
    {
        ClusterMember? first = FirstRanked;
        if (first is null || first.Id == activity.Self || !_view.IsWhole || !_inForce.Any(each => each.Member == first.Id))
        {
            _moveSince = null;
            return;
        }

        _moveSince ??= now;
        if (now - _moveSince < settings.SettleAfter || now < _moveRetryAt) return;
        _sealedAt = now;
        _handOverSentAt = now - settings.RepeatAfter;
        ChangeState(HomeState.Sealed);
        TickSealed(now);
    }

    private void TickSealed(TimeSpan now)
    {
        if (now - _sealedAt > settings.HandOverMax || FirstRanked is not { } first || first.Id == activity.Self)
        {
            _moveRetryAt = now + settings.TakeoverAfter;
            _moveSince = null;
            ChangeState(HomeState.Active);
            while (_waiting.TryTakeUnplaced(out ulong request, out PublishCommand command)) Place(request, command, now);
            return;
        }

        if (Committed < log.Sequence || now - _handOverSentAt < settings.RepeatAfter) return;
        _handOverSentAt = now;
        output.Send(first.Id, new HandOver(partition, Term));
    }
}
