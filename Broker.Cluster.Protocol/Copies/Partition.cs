using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Copies;

/// <summary>
/// One node's side of one partition of kept channels: its replica, and its part as home or claimant. Values in, values out.
/// </summary>
/// <remarks>
/// For one thread, the loop that serves the partition. All times are of the node's monotonic clock. The host calls <see cref="OnView"/>
/// before anything else, <see cref="Tick"/> about every 100 ms, and <see cref="Flush"/> at the end of each turn in which it called
/// anything.
/// </remarks>
public sealed class Partition
{
    private readonly PartitionReplica _replica;
    private readonly PartitionHome _home;
    private readonly IReplicaLog _log;
    private MembershipView _view = MembershipView.Empty;
    private Term _announced;

    /// <summary>Makes the partition's state on this node.</summary>
    /// <param name="number">The partition.</param>
    /// <param name="log">Its replica in the node's store.</param>
    /// <param name="store">The node's store.</param>
    /// <param name="activity">Which peers are received; shared by the partitions of a loop, and kept up to date by the host.</param>
    /// <param name="settings">The limits.</param>
    /// <param name="random">For back-off and for numbers that must differ between runs.</param>
    /// <param name="output">Where values go.</param>
    public Partition(
        int number, IReplicaLog log, StoreId store, PeerActivity activity, CopySettings settings, Random random, IPartitionOutput output)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(activity);
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(output);
        Number = number;
        _log = log;
        _replica = new PartitionReplica(number, log, settings, random, output);
        _home = new PartitionHome(number, log, store, activity, settings, random, output);
    }

    /// <summary>The partition.</summary>
    public int Number { get; }

    /// <summary>What the node is to the partition.</summary>
    public HomeState State => _home.State;

    /// <summary>The node's own term; of its last claim where it is not the home.</summary>
    public Term Term => _home.Term;

    /// <summary>Entries up to this sequence are acknowledged by this home.</summary>
    public ulong CommittedSequence => _home.Committed;

    /// <summary>The set of replicas in force at this home; null where it is not the home.</summary>
    public ReplicaSet? Replicas => _home.Set;

    /// <summary>The highest term that was announced or recorded by a home that is a member.</summary>
    public Term HomeTerm
    {
        get
        {
            Term recorded = _home.Record.Set?.Term ?? Term.None;
            Term highest = Term.Max(recorded, _announced);
            return _view.Contains(highest.Member) ? highest : _view.Contains(recorded.Member) ? recorded : Term.None;
        }
    }

    /// <summary>Whom to ask: the home that is known, or else who ranks first. Null if no one may be.</summary>
    public MemberId? Home => HomeTerm is { Number: > 0 } known ? known.Member : PartitionHome.FirstRanked(Number, _view)?.Id;

    /// <summary>The subscription has changed, or someone's reachability.</summary>
    public void OnView(MembershipView view, TimeSpan now)
    {
        _view = view;
        _home.OnView(view, now);
    }

    /// <summary>The register's record has changed on this node, by itself or by gossip.</summary>
    public void OnRegister(RegisterRecord record, TimeSpan now) => _home.OnRegister(record, now);

    /// <summary>Answers <see cref="IPartitionOutput.ReadRegister"/>.</summary>
    /// <param name="operation">Of the request.</param>
    /// <param name="record">The merged records of all members; null if one of them did not reply in time.</param>
    /// <param name="now">The time.</param>
    public void OnRegisterRead(ulong operation, RegisterRecord? record, TimeSpan now) => _home.OnRegisterRead(operation, record, now);

    /// <summary>Answers <see cref="IPartitionOutput.WriteRegister"/>.</summary>
    /// <param name="operation">Of the request.</param>
    /// <param name="isWritten">A majority has it. If not, some may have it all the same.</param>
    /// <param name="now">The time.</param>
    public void OnRegisterWritten(ulong operation, bool isWritten, TimeSpan now) => _home.OnRegisterWritten(operation, isWritten, now);

    /// <summary>A message of a peer about this partition. The host passes none from a node that is not in its view.</summary>
    public void OnMessage(MemberId from, IPartitionMessage message, TimeSpan now)
    {
        switch (message)
        {
            case Promise promise:
                _replica.OnPromise(from, promise);
                break;
            case Sync sync:
                _home.OnIncumbent(sync.Term, now);
                _replica.OnSync(from, sync, now);
                break;
            case Append append:
                _home.OnIncumbent(append.Term, now);
                _replica.OnAppend(from, append);
                break;
            case Fetch fetch:
                _home.OnFetch(from, fetch, now);
                _replica.OnFetch(from, fetch, now);
                break;
            case SnapshotPart part:
                if (!_home.TryTakePart(from, part, now)) _replica.OnPart(from, part, now);
                break;
            case Promised promised:
                _home.OnPromised(from, promised, now);
                break;
            case Refused refused:
                _home.OnRefused(refused, now);
                break;
            case Appended appended:
                _home.OnAppended(from, appended, now);
                break;
            case HandOver handOver:
                _home.OnHandOver(handOver, now);
                break;
            case Announce announce:
                _announced = Term.Max(_announced, announce.Term);
                _home.OnAnnounce(announce, now);
                break;
            default:
                return;
        }

        _home.CheckPromise(now);
    }

    /// <summary>Orders and keeps a publication, or answers why not; the answer is <see cref="IPartitionOutput.Replied"/>.</summary>
    public void Publish(ulong request, in PublishCommand command, TimeSpan now) => _home.Publish(request, command, now);

    /// <summary>Removes a channel's publications up to an offset. False if this node is not the active home.</summary>
    public bool Trim(string channel, ulong offset) => _home.Trim(channel, offset);

    /// <summary>Ends a channel: it begins again at offset 0 of another epoch. False if this node is not the active home.</summary>
    public bool Evict(string channel) => _home.Evict(channel);

    /// <summary>Asks for the proof that this node is still the home; the answer is <see cref="IPartitionOutput.Proven"/>.</summary>
    public void BeginRead(ulong request, TimeSpan now) => _home.BeginRead(request, now);

    /// <summary>Acknowledged publications of a channel behind an offset, oldest first. To be answered only behind a proof.</summary>
    public IReadOnlyList<LogEntry> Read(string channel, ulong after, int limit) => _log.Read(channel, after, _home.Committed, limit);

    /// <summary>The newest acknowledged position of a channel. To be answered only behind a proof.</summary>
    public ChannelPosition Top(string channel) => _home.CommittedTop(channel);

    /// <summary>A lane to a peer is up: it is told what this node is home of.</summary>
    public void OnLaneUp(MemberId peer) => _home.AnnounceTo(peer);

    /// <summary>Lets time pass: repeats, replaces, claims, moves.</summary>
    public void Tick(TimeSpan now)
    {
        _replica.Tick(now);
        _home.Tick(now);
    }

    /// <summary>Sends to each follower what it has not been sent: one message a turn.</summary>
    public void Flush(TimeSpan now) => _home.Flush(now);
}
