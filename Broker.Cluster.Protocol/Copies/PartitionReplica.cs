using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Copies;

/// <summary>A node's replica of a partition: it promises, holds what homes send, and gives its state to claimants and followers.</summary>
/// <remarks>
/// <code>
/// PROMISE(t)   t &lt; promised: REFUSED   else promised = t, PROMISED(log term, sequence)
/// SYNC(t)      t &lt; promised: REFUSED   else promised = t; the log is there: APPENDED   else FETCH all, then APPENDED
/// APPEND(t)    t &lt; promised: REFUSED   log of another term: nothing   a gap: APPENDED(what is there)   else append, APPENDED
/// FETCH(t)     only for the term that has the promise
/// </code>
/// Every message may be lost, repeated or late.
/// </remarks>
internal sealed class PartitionReplica(int partition, IReplicaLog log, CopySettings settings, Random random, IPartitionOutput output)
{
    private readonly Dictionary<MemberId, (ulong Transfer, LogSnapshot State, TimeSpan At)> _outgoing = [];
    private ulong _transfers = (ulong)random.NextInt64();
    private StateTransfer? _incoming;
    private ulong _round;
    private Term _roundTerm;

    internal void OnPromise(MemberId from, Promise message)
    {
        if (IsRefused(from, message.Term)) return;
        MakePromise(message.Term);
        output.Send(from, new Promised(partition, message.Term, log.LogTerm, log.Sequence));
    }

    internal void OnSync(MemberId from, Sync message, TimeSpan now)
    {
        if (IsRefused(from, message.Term)) return;
        MakePromise(message.Term);
        // One home writes in a term, so term and sequence name one content.
        if (log.LogTerm == message.BaseTerm && log.LogTerm < message.Term && log.Sequence == message.BaseSequence) log.Adopt(message.Term);
        if (log.LogTerm == message.Term && log.Sequence >= message.After)
        {
            output.Send(from, new Appended(partition, message.Term, log.Sequence, Round: 0));
            return;
        }

        if (_incoming is null || _incoming.Term != message.Term || _incoming.From != from
            || now - _incoming.ProgressAt > settings.StoreReturn)
            _incoming = new StateTransfer(from, message.Term, ++_transfers) { ProgressAt = now };
        output.Send(from, _incoming.Request(partition));
    }

    internal void OnAppend(MemberId from, Append message)
    {
        if (IsRefused(from, message.Term) || log.LogTerm != message.Term) return;
        if (message.After <= log.Sequence)
        {
            foreach (LogEntry entry in message.Entries)
            {
                if (entry.Sequence == log.Sequence + 1) log.Append(entry);
            }
        }

        if (_roundTerm != message.Term) (_roundTerm, _round) = (message.Term, 0);
        _round = Math.Max(_round, message.Round);
        output.Send(from, new Appended(partition, message.Term, log.Sequence, _round));
    }

    internal void OnFetch(MemberId from, Fetch message, TimeSpan now)
    {
        if (IsRefused(from, message.Term) || message.Term > log.Promised) return;
        if (!_outgoing.TryGetValue(from, out (ulong Transfer, LogSnapshot State, TimeSpan At) known) || known.Transfer != message.Transfer)
        {
            if (message.Part != 0) return;       // The state of that moment is no longer here; the asker begins again.
            known = (message.Transfer, log.Snapshot(), now);
        }

        _outgoing[from] = known with { At = now };
        IReadOnlyList<LogEntry> entries = known.State.Part(message.Part, settings.PartBytes, out bool isLast);
        output.Send(from,
            new SnapshotPart(
                partition, message.Term, message.Transfer, message.Part, isLast, known.State.Lineage, known.State.Sequence, entries));
    }

    /// <summary>Takes a part of a state that a home asked this node to hold.</summary>
    internal void OnPart(MemberId from, SnapshotPart message, TimeSpan now)
    {
        if (_incoming is null || !_incoming.TryTake(from, message)) return;
        _incoming.ProgressAt = now;
        if (_incoming.Whole is not { } state)
        {
            output.Send(from, _incoming.Request(partition));
            return;
        }

        _incoming = null;
        if (message.Term < log.Promised) return;
        if (log.LogTerm != message.Term || log.Sequence < state.Sequence) log.Install(message.Term, state);
        output.Send(from, new Appended(partition, message.Term, log.Sequence, Round: 0));
    }

    internal void Tick(TimeSpan now)
    {
        if (_outgoing.Count == 0) return;
        foreach (MemberId each in _outgoing.Keys.ToArray())
        {
            if (now - _outgoing[each].At > settings.StoreReturn) _outgoing.Remove(each);
        }
    }

    private bool IsRefused(MemberId from, Term term)
    {
        if (term >= log.Promised || settings.Broken.HasFlag(CopyRules.PromiseFences)) return false;
        output.Send(from, new Refused(partition, term, log.Promised));
        return true;
    }

    private void MakePromise(Term term)
    {
        if (term > log.Promised) log.Promise(term);
    }
}
