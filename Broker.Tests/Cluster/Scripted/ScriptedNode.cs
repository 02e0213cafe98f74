using System.Text;
using Broker.Cluster.Protocol.Copies;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Placement;
using Broker.Cluster.Protocol.Register;

namespace Broker.Tests.Cluster.Scripted;

/// <summary>One run of a node of a <see cref="ScriptedCluster"/>.</summary>
internal sealed class ScriptedNode : IPartitionOutput
{
    private readonly ScriptedCluster _cluster;
    private readonly PeerActivity _activity;
    private readonly Partition _partition;
    private readonly Queue<Action> _operations = new();
    private readonly Dictionary<ulong, string> _publications = [];
    private MembershipView _view = MembershipView.Empty;
    private RegisterRecord _register = RegisterRecord.Empty;
    private ulong _requests;

    internal ScriptedNode(ScriptedCluster cluster, MemberId id, StoreId store, MemoryReplicaLog log)
    {
        _cluster = cluster;
        (Id, Store, Log) = (id, store, log);
        _activity = new PeerActivity(id, TimeSpan.FromSeconds(2));
        _partition = new Partition(0, log, store, _activity, cluster.Settings, new Random((int)id.Value), termFloor: 0, this);
    }

    internal MemberId Id { get; }

    internal StoreId Store { get; }

    internal MemoryReplicaLog Log { get; }

    internal HomeState State => _partition.State;

    internal Term Term => _partition.Term;

    internal ReplicaSet? Replicas => _partition.Replicas;

    internal IEnumerable<MemberId> Ranked => PartitionMap.RankMembers(0, _view).Select(static each => each.Id);

    /// <summary>Operations of the register wait for <see cref="StepRegister"/>.</summary>
    internal bool HoldsRegister { get; set; }

    public override string ToString() => $"node {Id}";

    internal static string ContentOf(LogEntry entry) => Encoding.UTF8.GetString(entry.Data.Span);

    internal void OnView(MembershipView view)
    {
        _view = view;
        _partition.OnView(view, _cluster.Now);
    }

    internal void Beat()
    {
        _activity.Observe(_cluster.Now);
        foreach (ScriptedNode each in _cluster.Running)
        {
            if (each != this && _view.Contains(each.Id) && !_cluster.IsCut(this, each)) _activity.Received(each.Id, _cluster.Now);
        }

        _partition.Tick(_cluster.Now);
        _partition.Flush(_cluster.Now);
    }

    internal void Receive(ScriptedNode from, IPartitionMessage message)
    {
        if (!_view.Contains(from.Id)) return;
        _partition.OnMessage(from.Id, message, _cluster.Now);
        _partition.Flush(_cluster.Now);
    }

    /// <summary>Claims against the ranking, or before the time has come.</summary>
    internal void Claim() => _partition.ClaimAgainstRank();

    internal void Publish(string content)
    {
        _publications[++_requests] = content;
        _partition.Publish(
            _requests, new PublishCommand(ScriptedCluster.Channel, content, 0, KeepMax: 0, Encoding.UTF8.GetBytes(content)), _cluster.Now);
        _partition.Flush(_cluster.Now);
    }

    /// <summary>Asks for the newest position.</summary>
    internal void Read()
    {
        _partition.BeginRead(++_requests, _cluster.Now);
        _partition.Flush(_cluster.Now);
        _cluster.Pump();
    }

    /// <summary>Does the next operation of the register that the node wants.</summary>
    internal bool StepRegister()
    {
        if (!_operations.TryDequeue(out Action? next)) return false;
        next();
        _partition.Flush(_cluster.Now);
        return true;
    }

    void IPartitionOutput.Send(MemberId to, IPartitionMessage message) => _cluster.Send(this, to, message);

    void IPartitionOutput.ReadRegister(int partition, ulong operation) => _operations.Enqueue(() =>
    {
        List<ScriptedNode> there = [.. _view.Members.Select(each => _cluster.Find(each.Id)).OfType<ScriptedNode>()];
        bool isWhole = there.Count == _view.Members.Length;
        if (_cluster.ReadsMajorityOf is { } first)
        {
            isWhole = there.Count >= _view.Majority;
            there = [.. there.OrderBy(each => each == this ? 0 : first.Contains(each) ? 1 : 2).Take(_view.Majority)];
        }

        RegisterRecord merged = there.Aggregate(RegisterRecord.Empty, static (known, each) => known.Merge(each._register));
        if (isWhole) Learn(merged);
        _partition.OnRegisterRead(operation, isWhole ? merged : null, _cluster.Now);
    });

    void IPartitionOutput.WriteRegister(int partition, ulong operation, RegisterRecord change) => _operations.Enqueue(() =>
    {
        Learn(change);
        int written = 1;
        foreach (ClusterMember each in _view.Members)
        {
            if (each.Id == Id || _cluster.Find(each.Id) is not { } other || _cluster.MissWrites.Contains(other)) continue;
            other.Learn(_register);
            written++;
        }

        _partition.OnRegisterWritten(operation, written >= _view.Majority, _cluster.Now);
    });

    void IPartitionOutput.Committed(int partition, LogEntry entry)
    {
        if (entry.Kind == LogEntryKind.Publication)
            _cluster.Promise(this, new ChannelPosition(entry.Epoch, entry.Offset), ContentOf(entry));
    }

    void IPartitionOutput.Replied(int partition, ulong request, PublishOutcome outcome, ChannelPosition position)
    {
        if (outcome is PublishOutcome.Published) _cluster.Promise(this, position, _publications[request]);
    }

    void IPartitionOutput.Proven(int partition, ulong request, bool isHome)
    {
        if (isHome) _cluster.Answered(this, _partition.Top(ScriptedCluster.Channel).Offset);
    }

    void IPartitionOutput.Changed(int partition, HomeState state, Term term)
    {
        _cluster.Story.Add($"{this} is {state} in {term}");
        if (state == HomeState.Active) _cluster.Activated(_partition.Replicas!);
    }

    private void Learn(RegisterRecord record)
    {
        RegisterRecord merged = _register.Merge(record);
        if (merged == _register) return;
        _register = merged;
        _partition.OnRegister(merged, _cluster.Now);
    }
}
