using System.Collections.Immutable;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Copies;

/// <content>
/// A claim: read all; term = highest + 1; write the claim to a majority; read all again; collect a log from one replica of the newest set,
/// which promises; give it to the followers; write the set; read all again.
/// </content>
internal sealed partial class PartitionHome
{
    // The register operation that is under way, or what is tried again at _retryAt.
    private Step _step;
    private Step _again;
    private ulong _operation;
    private ulong _operations;

    // Collecting.
    private ReplicaSet? _old;
    private RegisterRecord _firstRead = RegisterRecord.Empty;
    private StateTransfer? _source;
    private ulong _transfers = (ulong)random.NextInt64();
    private TimeSpan _promiseAskedAt;
    private TimeSpan? _holdersGoneAt;
    private readonly HashSet<StoreId> _outdated = [];      // Replicas of the newest set that have lost what they had.

    // The register holds no set: what the stores of the members remember.
    private readonly Dictionary<MemberId, RegisterRecord> _recalled = [];
    private TimeSpan _recallingSince;
    private ulong _seenNumber;

    // The log as it was when it was collected: a replica that has exactly this needs no transfer.
    private (Term Term, ulong Sequence) _base;

    private enum Step
    {
        None,
        ReadFirst,
        WriteClaim,
        ReadBackClaim,
        WriteSet,
        ReadBackSet,
        Again,
    }

    internal void OnRegisterRead(ulong operation, RegisterRecord? record, TimeSpan now)
    {
        if (record is not null) Learn(record, now);
        if (operation != _operation || _operation == 0) return;
        _operation = 0;
        switch (_step)
        {
            case Step.ReadFirst when record is not null:
                _firstRead = record;
                _seenNumber =
                    Math.Max(_seenNumber,
                        Math.Max(Math.Max(record.Claim.Number, log.Promised.Number), Math.Max(record.Set?.Term.Number ?? 0, Term.Number)));
                Term = new Term(Math.Max(_seenNumber + 1, termFloor), activity.Self);
                WriteRegister(Step.WriteClaim, new RegisterRecord(Term, null));
                break;
            case Step.ReadBackClaim when record is not null && record.Claim <= Term:
                _step = Step.None;
                _old = settings.Broken.HasFlag(CopyRules.CollectFromNewestSet) ? _firstRead.Set : record.Set;
                _source = null;
                _holdersGoneAt = null;
                _outdated.Clear();
                _promiseAskedAt = now - settings.RepeatAfter;
                _recalled.Clear();
                _recallingSince = now;
                ChangeState(HomeState.Collecting);
                Collect(now);
                break;
            case Step.ReadBackSet when record is null:
                TryAgain(Step.ReadBackSet, now);
                break;
            case Step.ReadBackSet when record.Claim <= Term && log.Promised <= Term:
                Activate(now);
                break;
            default:
                Stop(now);
                break;
        }
    }

    internal void OnRegisterWritten(ulong operation, bool isWritten, TimeSpan now)
    {
        if (operation != _operation || _operation == 0) return;
        _operation = 0;
        switch (_step)
        {
            case Step.WriteClaim when isWritten:
                ReadRegister(Step.ReadBackClaim);
                break;
            case Step.WriteSet when !isWritten:
                TryAgain(Step.WriteSet, now);
                break;
            case Step.WriteSet when settings.Broken.HasFlag(
                State == HomeState.Recording ? CopyRules.ReadBackBeforeActive : CopyRules.ReadBackAfterChange):
                Activate(now);
                break;
            case Step.WriteSet:
                ReadRegister(Step.ReadBackSet);
                break;
            default:
                Stop(now);
                break;
        }
    }

    internal void OnPromised(MemberId from, Promised message, TimeSpan now)
    {
        if (State != HomeState.Collecting || message.Term != Term || _source is not null || _old is null) return;

        if (_view.Find(from) is not { } member || !_old.Stores.Contains(member.Store)) return;

        // A replica of the newest set with an older log has lost what it had, and is no holder any more.
        if (message.LogTerm < _old.Term && !settings.Broken.HasFlag(CopyRules.TrustOnlyNewLogs))
        {
            _outdated.Add(member.Store);
            return;
        }

        _source = new StateTransfer(from, Term, ++_transfers) { ProgressAt = now };
        _base.Term = message.LogTerm;
        output.Send(from, _source.Request(partition));
    }

    internal void OnRecalled(MemberId from, Recalled message, TimeSpan now)
    {
        if (State != HomeState.Collecting || message.Term != Term || _old is not null) return;
        _recalled[from] = message.Record;
        Collect(now);
    }

    internal bool TryTakePart(MemberId from, SnapshotPart message, TimeSpan now)
    {
        if (State != HomeState.Collecting || _source is null || !_source.TryTake(from, message)) return false;
        _source.ProgressAt = now;
        if (_source.Whole is not { } state)
        {
            output.Send(from, _source.Request(partition));
            return true;
        }

        _source = null;
        if (log.Promised > Term)
        {
            Stop(now);
            return true;
        }

        log.Promise(Term);
        log.Install(Term, state);
        _base.Sequence = log.Sequence;
        BeginSyncing(now);
        return true;
    }

    private void Claim()
    {
        ChangeState(HomeState.Claiming);
        ReadRegister(Step.ReadFirst);
    }

    private void ReadRegister(Step step)
    {
        _step = step;
        _operation = ++_operations;
        output.ReadRegister(partition, _operation);
    }

    private void WriteRegister(Step step, RegisterRecord change)
    {
        _step = step;
        _operation = ++_operations;
        output.WriteRegister(partition, _operation, change);
    }

    private void TryAgain(Step step, TimeSpan now)
    {
        _step = Step.Again;
        _again = step;
        _retryAt = now + settings.RetryAfter;
    }

    private void RetryOperation(TimeSpan now)
    {
        if (_again == Step.ReadBackSet)
        {
            ReadRegister(Step.ReadBackSet);
            return;
        }

        // The set may be written at some members. Another one with a higher version replaces it, and both have the whole log.
        _step = Step.None;
        _next = null;
        if (State == HomeState.Recording) ChangeState(HomeState.Syncing);
        SyncSet(now);
    }

    private void Collect(TimeSpan now)
    {
        if (log.Promised > Term)
        {
            Stop(now);
            return;
        }

        if (_old is null && !TryRecall(now)) return;
        if (_old is null)
        {
            BeginLineage(now);
            return;
        }

        if (_old.Stores.Contains(store) && (log.LogTerm >= _old.Term || settings.Broken.HasFlag(CopyRules.TrustOnlyNewLogs)))
        {
            log.Promise(Term);
            _base = (log.LogTerm, log.Sequence);
            log.Adopt(Term);
            BeginSyncing(now);
            return;
        }

        if (_source is not null && now - _source.ProgressAt < settings.SilentAfter && _view.Contains(_source.From))
        {
            if (now - _source.ProgressAt > settings.RepeatAfter) output.Send(_source.From, _source.Request(partition));
            return;
        }

        _source = null;
        AskHolders(_old, now);
    }

    // A cluster that starts again has an empty register, and its disks may remember. What one remembers may be old, so it counts only with
    // a proof; without one, and after the time in which the others could have returned, a new lineage begins. True when the claim can go
    // on.
    private bool TryRecall(TimeSpan now)
    {
        _recalled[activity.Self] = log.Record;
        ClusterMember[] silent = [.. _view.Members.Where(each => !_recalled.ContainsKey(each.Id))];
        if (silent.Length > 0)
        {
            if (now - _promiseAskedAt < settings.RepeatAfter) return false;
            _promiseAskedAt = now;
            foreach (ClusterMember each in silent) output.Send(each.Id, new Recall(partition, Term));
            return false;
        }

        RegisterRecord best = RegisterRecord.Empty;
        var present = new HashSet<StoreId>();
        foreach (ClusterMember each in _view.Members)
        {
            best = best.Merge(_recalled[each.Id]);
            present.Add(each.Store);
        }

        _seenNumber = Math.Max(_seenNumber, Math.Max(best.Claim.Number, best.Set?.Term.Number ?? 0));
        if (_seenNumber > Term.Number)
        {
            Stop(now);      // The claim is below what is remembered: again, with a higher one.
            return false;
        }

        if (best.Set is null) return true;
        if (best.Set.IsProvenBy(present) || settings.Broken.HasFlag(CopyRules.ProveRecalledSets))
        {
            _old = best.Set;
            _promiseAskedAt = now - settings.RepeatAfter;
            return true;
        }

        return now - _recallingSince >= settings.StoreReturn && activity.SeesMajority(_view, now, settings.MajorityAfter);
    }

    // One replica is enough, for each acknowledgement of the old home needs all of them.
    private void AskHolders(ReplicaSet old, TimeSpan now)
    {
        bool isAnyThere = false;
        bool asks = now - _promiseAskedAt >= settings.RepeatAfter;
        foreach (StoreId each in old.Stores)
        {
            if (each == store || _outdated.Contains(each) || _view.FindStore(each) is not { } holder) continue;
            isAnyThere = true;
            if (asks) output.Send(holder.Id, new Promise(partition, Term));
        }

        if (asks) _promiseAskedAt = now;
        if (isAnyThere && !settings.Broken.HasFlag(CopyRules.WaitForHolders))
        {
            _holdersGoneAt = null;
            return;
        }

        _holdersGoneAt ??= now;
        TimeSpan patience = settings.Broken.HasFlag(CopyRules.WaitForHolders) ? settings.SilentAfter : settings.StoreReturn;
        if (now - _holdersGoneAt >= patience && activity.SeesMajority(_view, now, settings.MajorityAfter)) BeginLineage(now);
    }

    private void BeginLineage(TimeSpan now)
    {
        log.Promise(Term);
        log.Begin(Term);
        _base = (Term, 0);
        BeginSyncing(now);
    }

    private void BeginSyncing(TimeSpan now)
    {
        _followers.Clear();
        _tail.Clear();
        _tailBytes = 0;
        _avoided.Clear();
        _tailStart = log.Sequence;
        Committed = log.Sequence;
        _version = 0;
        _next = null;
        _chosen = null;
        Set = null;
        ChangeState(HomeState.Syncing);
        SyncSet(now);
    }

    private void RecordSet(ImmutableArray<Follower> followers)
    {
        _next = new ReplicaSet(Term, ++_version, log.Lineage)  { Stores = [store, .. followers.Select(static each => each.Store)] };
        log.Remember(new RegisterRecord(Term, _next));
        if (State == HomeState.Syncing) ChangeState(HomeState.Recording);
        else if (settings.Broken.HasFlag(CopyRules.FreezeWhileSetChanges)) _inForce = followers;
        WriteRegister(Step.WriteSet, new RegisterRecord(Term, _next));
    }

    private void Activate(TimeSpan now)
    {
        _step = Step.None;
        Set = _next;
        _next = null;
        _inForce = _chosen ?? [];
        _chosen = null;
        _idealSince = null;
        _moveSince = null;
        foreach (MemberId each in _followers.Keys.ToArray())
        {
            if (!_inForce.Any(follower => follower.Member == each)) _followers.Remove(each);
        }

        bool isFirst = State == HomeState.Recording;
        if (isFirst) _keyMarks.Clear();
        ChangeState(HomeState.Active);
        if (isFirst) AnnounceToAll();
        while (_waiting.TryTakeUnplaced(out ulong request, out PublishCommand command)) Place(request, command, now);
        Settle(now);
    }
}
