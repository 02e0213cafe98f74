using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;
using static Broker.Actors.Channels.Home.MoveProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// Moves partitions between the homes of nodes by plan, when a node joins, drains or leaves: histories, positions, answers to keys, and who
/// listens and is there. Commands of the partition wait meanwhile, on the nodes that they came from; none fails.
/// </summary>
/// <remarks>
/// For the thread of its actor.
/// <code>
/// here    --another node ranks first--> leaving   (nothing is served; piece after piece, each when the one before has arrived)
/// leaving --all pieces have arrived-->  given     (the directory names the other node, with the number of the move)
/// leaving --lane ends, no answer-->     here      (under another number: what has arrived there is void)
/// </code>
/// The next home keeps what arrives until the directory names it with the number of that move.
/// </remarks>
internal sealed class PartitionMoves
{
    private const int LeavingMax = 8;
    private const int PieceBytes = 128 * 1024;
    private const string ThisHome = "", NextHome = ".";     // In place of names of nodes.
    private static readonly TimeSpan s_answerLimit = TimeSpan.FromSeconds(5), s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_arrivalLimit = TimeSpan.FromMinutes(1);

    private readonly IMovingRelay _relay;
    private readonly ChannelHome _home;
    private readonly INodeDirectory _directory;
    private readonly int _number, _homes;
    private readonly Func<long> _now;
    private readonly Dictionary<int, Leaving> _leaving = [];
    private readonly Dictionary<int, Arriving> _arriving = [];
    private long _pausedUntil;
    private bool _isChanging;

    // A partition that is handed over.
    private sealed class Leaving(INodeLane lane, ulong move, IReadOnlyList<(List<MovedChannel> Channels, List<MovedAnswer> Answers)> pieces)
    {
        internal INodeLane Lane { get; } = lane;

        internal ulong Move { get; } = move;

        internal IReadOnlyList<(List<MovedChannel> Channels, List<MovedAnswer> Answers)> Pieces { get; } = pieces;

        internal HashSet<string> Listeners { get; } = [];       // Other nodes.

        internal int Sent { get; set; }                         // Pieces.

        internal long SentAt { get; set; }

        internal bool IsGiven { get; set; }
    }

    // What another home has handed over so far.
    private sealed class Arriving(INodeLane lane, ulong move, long at)
    {
        internal INodeLane Lane { get; } = lane;

        internal ulong Move { get; } = move;

        internal long At { get; } = at;

        internal List<Handover> Pieces { get; } = [];
    }

    /// <summary>Makes it.</summary>
    /// <param name="relay">The relay, whose number tells which partitions are its own.</param>
    /// <param name="home">The home of its channels.</param>
    /// <param name="directory">Where homes are.</param>
    /// <param name="homes">How many homes the node has.</param>
    /// <param name="now">Milliseconds of the loop's clock.</param>
    internal PartitionMoves(IMovingRelay relay, ChannelHome home, INodeDirectory directory, int homes, Func<long> now)
    {
        _relay = relay;
        _home = home;
        _directory = directory;
        _number = relay.Number;
        _homes = homes;
        _now = now;
    }

    private PartitionedHistoryStore? Store => _relay.Store as PartitionedHistoryStore;

    /// <summary>Where the home of a partition's channels is, as <see cref="INodeDirectory.WayTo"/>; nowhere while it leaves here.</summary>
    internal HomeWay WayTo(int partition, bool isKept)
    {
        HomeWay way = _directory.WayTo(partition, isKept);
        if (!way.IsHere || (_leaving.Count == 0 && _arriving.Count == 0)) return way;
        if (_leaving.ContainsKey(partition)) return default;
        TakeOver(partition);
        return way;
    }

    /// <summary>Whether a partition is being handed over.</summary>
    internal bool IsLeaving(int partition) => _leaving.Count > 0 && _leaving.ContainsKey(partition);

    /// <summary>Homes, or ways to them, have changed.</summary>
    internal void OnChanged()
    {
        if (_isChanging) return;
        _isChanging = true;
        foreach ((int partition, Leaving leaving) in _leaving.ToArray())
        {
            if (_directory.MoveOf(partition) is null) _leaving.Remove(partition);
            else if (!leaving.IsGiven && !ReferenceEquals(_directory.LaneTo(leaving.Lane.Node, partition), leaving.Lane)) Stay(partition);
        }

        long now = _now();
        foreach ((int partition, Arriving arriving) in _arriving.ToArray())
        {
            TakeOver(partition);
            if (now - arriving.At > s_arrivalLimit.TotalMilliseconds) _arriving.Remove(partition);
        }

        Start();
        _isChanging = false;
    }

    /// <summary>Gives up what is not answered, and goes on with further partitions.</summary>
    /// <returns>Whether there is more to do a moment later.</returns>
    internal bool Tick()
    {
        long now = _now();
        foreach ((int partition, Leaving leaving) in _leaving.ToArray())
        {
            if (!leaving.IsGiven && now - leaving.SentAt > s_answerLimit.TotalMilliseconds) Stay(partition);
        }

        Start();
        return _leaving.Count > 0 || _pausedUntil > now;
    }

    // What has arrived elsewhere is void from now on, as no one will be named with its number.
    private void Stay(int partition)
    {
        _leaving.Remove(partition);
        _pausedUntil = _now() + (long)s_pause.TotalMilliseconds;
        _relay.StayHere(partition);
    }

    private void Start()
    {
        if (_now() < _pausedUntil) return;
        Dictionary<int, INodeLane> starting = [];
        for (int partition = _number; partition < _directory.Partitions && _leaving.Count + starting.Count < LeavingMax;
        partition += _homes)
        {
            if (_leaving.ContainsKey(partition) || _directory.MoveTo(partition) is not { } lane) continue;
            int own = partition;
            if (_arriving.ContainsKey(partition)) TakeOver(partition);
            if (!_home.IsPending(channel => _directory.PartitionOf(channel) == own)) starting.Add(partition, lane);
        }

        if (starting.Count == 0) return;
        Dictionary<int, Dictionary<string, MovedChannel>> channels = Collect(starting);
        ILookup<int, MovedAnswer> answers = CollectAnswers(starting).ToLookup(answer => _directory.PartitionOf(answer.Channel));
        foreach ((int partition, INodeLane lane) in starting)
        {
            ulong move = (ulong)Random.Shared.NextInt64(1, long.MaxValue);
            var leaving = new Leaving(lane, move, Divide(channels[partition].Values, answers[partition]));
            foreach (MovedListener listener in channels[partition].Values.SelectMany(static channel => channel.Listeners))
            {
                if (listener.Node is not (ThisHome or NextHome)) leaving.Listeners.Add(listener.Node);
            }

            leaving.Listeners.Add(lane.Node);
            _leaving.Add(partition, leaving);
            SendNext(partition, leaving);
        }

        _relay.OnNodesWaiting();
    }

    private Dictionary<int, Dictionary<string, MovedChannel>> Collect(Dictionary<int, INodeLane> starting)
    {
        Dictionary<int, Dictionary<string, MovedChannel>> all = [];
        foreach (int partition in starting.Keys)
        {
            Dictionary<string, MovedChannel> channels = all[partition] = new(StringComparer.Ordinal);
            foreach (MovedHistory history in Store?.MovableOf(partition)?.Export() ?? [])
            {
                channels.Add(history.Channel, new MovedChannel(history.Channel, history.Position)
                {
                    HasHistory = true,
                    Untouched = history.Untouched,
                    Unpublished = history.Unpublished,
                    Version = history.Version,
                    VersionEpoch = history.VersionEpoch,
                    Publications = history.Publications,
                });
            }

            foreach ((string channel, IReadOnlyList<PresentClient> members) in _relay.ListenersHere(partition))
                AddListener(channels, channel, new MovedListener(ThisHome, members));
        }

        foreach ((string node, string channel, IReadOnlyList<PresentClient> members) in _relay.ListenersElsewhere(
            starting.Keys.ToHashSet()))
        {
            int partition = _directory.PartitionOf(channel);
            AddListener(all[partition], channel, new MovedListener(starting[partition].Node == node ? NextHome : node, members));
        }

        return all;
    }

    private void AddListener(Dictionary<string, MovedChannel> channels, string channel, MovedListener listener)
    {
        MovedChannel known = channels.GetValueOrDefault(channel) ?? Unkept(channel);
        channels[channel] = known with { Listeners = [.. known.Listeners, listener] };
    }

    private MovedChannel Unkept(string channel) => new(channel, _home.PositionOf(channel) ?? default);

    private IEnumerable<MovedAnswer> CollectAnswers(Dictionary<int, INodeLane> starting)
    {
        foreach (int partition in starting.Keys)
        {
            foreach ((string channel, string key, StreamPosition answer, TimeSpan left) in Store?.MovableOf(partition)?.ExportAnswers()
                ?? [])
                yield return new MovedAnswer(channel, key, answer, left, IsKept: true);
        }

        foreach ((string channel, string key, StreamPosition answer, TimeSpan left) in
            _home.AnswersOf(channel => starting.ContainsKey(_directory.PartitionOf(channel))))
            yield return new MovedAnswer(channel, key, answer, left, IsKept: false);
    }

    // Into pieces that do not hold up what else the lane carries; a channel with much history takes several.
    private static List<(List<MovedChannel> Channels, List<MovedAnswer> Answers)> Divide(
        IEnumerable<MovedChannel> channels, IEnumerable<MovedAnswer> answers)
    {
        List<(List<MovedChannel> Channels, List<MovedAnswer> Answers)> pieces = [([], [])];
        long bytes = 0;
        foreach (MovedChannel channel in channels)
        {
            int from = 0;
            long own = 64 + (2 * channel.Name.Length) + channel.Listeners.Sum(static each => 64 + (256 * each.Members.Count));
            for (int i = 0; i < channel.Publications.Count; i++)
            {
                own += 256 + channel.Publications[i].DataBytes;
                if (bytes + own < PieceBytes) continue;
                pieces[^1].Channels.Add(
                    channel with { Publications = [.. channel.Publications.Skip(from).Take(i + 1 - from)], Listeners = [] });
                from = i + 1;
                own = 64 + channel.Listeners.Sum(static each => 64 + (256 * each.Members.Count));
                Next();
            }

            pieces[^1].Channels.Add(from == 0 ? channel : channel with { Publications = [.. channel.Publications.Skip(from)] });
            bytes += own;
            if (bytes >= PieceBytes) Next();
        }

        foreach (MovedAnswer answer in answers)
        {
            pieces[^1].Answers.Add(answer);
            bytes += 64 + (2 * (answer.Channel.Length + answer.Key.Length));
            if (bytes >= PieceBytes) Next();
        }

        return pieces;

        void Next()
        {
            pieces.Add(([], []));
            bytes = 0;
        }
    }

    private void SendNext(int partition, Leaving leaving)
    {
        int piece = leaving.Sent++;
        leaving.SentAt = _now();
        (List<MovedChannel> channels, List<MovedAnswer> answers) = leaving.Pieces[piece];
        leaving.Lane.Send(
            partition, MoveSerializer.Write(
                new Handover(leaving.Move, (uint)piece, leaving.Sent == leaving.Pieces.Count, channels, answers)));
    }

    /// <summary>The next home has a piece.</summary>
    internal void Handle(INodeLane lane, int partition, in Handed handed)
    {
        if (!_leaving.TryGetValue(partition, out Leaving? leaving) || !ReferenceEquals(leaving.Lane, lane) || leaving.Move != handed.Move
            || handed.Piece != leaving.Sent - 1 || leaving.IsGiven) return;
        if (leaving.Sent < leaving.Pieces.Count)
        {
            SendNext(partition, leaving);
            return;
        }

        // Behind all that the nodes were sent of the partition; they follow as soon as they hear of the next home.
        byte[] moved = MoveSerializer.Write(default(Moved));
        foreach (string node in leaving.Listeners) _directory.LaneTo(node, partition)?.Send(partition, moved);
        leaving.IsGiven = true;
        _directory.Give(partition, lane.Node, leaving.Move);
    }

    /// <summary>Another home hands a partition over.</summary>
    internal void Handle(INodeLane lane, int partition, Handover handover)
    {
        if (!_arriving.TryGetValue(partition, out Arriving? arriving) || arriving.Move != handover.Move)
        {
            if (handover.Piece != 0) return;
            _arriving[partition] = arriving = new Arriving(lane, handover.Move, _now());
        }

        if (handover.Piece != arriving.Pieces.Count) return;
        arriving.Pieces.Add(handover);
        lane.Send(partition, MoveSerializer.Write(new Handed(handover.Move, handover.Piece)));
    }

    // Installs what has arrived, once the directory names this node with the number of the move.
    private void TakeOver(int partition)
    {
        if (_directory.MoveOf(partition) is not { } move || !_arriving.Remove(partition, out Arriving? arriving)) return;
        if (move != arriving.Move || arriving.Pieces is not [.., { IsLast: true }]) return;
        MemoryHistoryStore? store = Store?.Begin(partition);
        List<string> installed = [];
        List<(string Channel, IReadOnlyList<PresentClient> Members)> own = [];
        foreach (MovedChannel channel in Join(arriving.Pieces.SelectMany(static piece => piece.Channels)).OrderByDescending(
            static channel => channel.Unpublished))
        {
            // The next home itself may listen, too: it is attached below.
            if (_home.Install(channel.Name, channel.Position, isAttached: true) is not { } options) continue;
            installed.Add(channel.Name);
            if (channel.HasHistory) Import(store, channel, options);
            foreach (MovedListener listener in channel.Listeners)
            {
                if (listener.Node == NextHome) own.Add((channel.Name, listener.Members));
                if (listener.Node == NextHome) continue;
                string node = listener.Node == ThisHome ? arriving.Lane.Node : listener.Node;
                if (_directory.LaneTo(node, partition) is { } lane)
                    _relay.Adopt(lane, channel.Name, partition, listener.Members);
                else _relay.Hide(node, channel.Name, listener.Members);
            }
        }

        foreach (MovedAnswer answer in arriving.Pieces.SelectMany(static piece => piece.Answers))
        {
            if (answer.IsKept) store?.ImportAnswer(answer.Channel, answer.Key, answer.Position, answer.Left);
            else _home.AddAnswer(answer.Channel, answer.Key, answer.Position, answer.Left);
        }

        _relay.AdoptHere(partition, arriving.Lane);
        foreach ((string channel, IReadOnlyList<PresentClient> members) in own) _relay.ReconcileHere(channel, members);
        foreach (string channel in installed) _home.DropIfUnused(channel);
    }

    // A channel whose publications came in several pieces.
    private static IEnumerable<MovedChannel> Join(IEnumerable<MovedChannel> channels)
    {
        MovedChannel? open = null;
        foreach (MovedChannel channel in channels)
        {
            if (open is not null && open.Name == channel.Name)
            {
                open = channel with { Publications = [.. open.Publications, .. channel.Publications] };
                continue;
            }

            if (open is not null) yield return open;
            open = channel;
        }

        if (open is not null) yield return open;
    }

    private static void Import(MemoryHistoryStore? store, MovedChannel channel, ChannelNamespace options) => store?.Import(
        new MovedHistory(
            channel.Name, channel.Position, channel.Untouched, channel.Unpublished, channel.Version, channel.VersionEpoch)
            { Publications = channel.Publications }, options.History);
}
