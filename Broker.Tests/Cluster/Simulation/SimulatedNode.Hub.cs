using System.Globalization;
using Broker.Cluster.Protocol.Copies;
using Broker.Cluster.Protocol.Interest;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Presence;
using Broker.Cluster.Protocol.Register;

namespace Broker.Tests.Cluster.Simulation;

/// <content>The hub's part: publications, listeners and presence, at the edge and at the home.</content>
internal sealed partial class SimulatedNode
{
    private readonly EdgeInterest _edge;
    private readonly EdgePresence _edgePresence;
    private readonly (MemberId? Home, Term Term)[] _edgeHomes;
    private readonly Dictionary<ulong, (SimulatedClient Client, int Connection)> _subscribers = [];
    private readonly Dictionary<SimulatedClient, int> _listeners = [];      // And the connection of each.
    private readonly Dictionary<int, Publication> _publications = [];
    private readonly Dictionary<ulong, (MemberId Edge, ulong Request, int Id)> _forwarded = [];
    private readonly Dictionary<ulong, (MemberId Edge, Listen Message)> _listens = [];
    private ulong _requests;
    private bool _isSubscribing;        // The edge answers by itself: it is up to date as far as the home's deliveries have come.

    // --- at the edge

    internal void Publish(int id, string channel)
    {
        TimeSpan until = World.Now + TimeSpan.FromSeconds(15), latest = World.RepeatUntil(id);
        var publication = new Publication(id, channel) { Until = until < latest ? until : latest };
        _publications[id] = publication;
        World.Membership.Run(Id, _ => Try(publication));
    }

    internal void Subscribe(SimulatedClient client, int connection, string channel, ChannelPosition? after) => World.Membership.Run(Id, _ =>
    {
        ulong request = ++_requests;
        _subscribers[request] = (client, connection);
        client.Request = request;
        int partition = SimulatedWorld.PartitionOf(channel);
        _edgePresence.Join(partition, new PresenceEntry(channel, client.NameOf(connection), new byte[] { (byte)connection }));
        _isSubscribing = true;
        _edge.Subscribe(channel, partition, request, after, Now);
        _isSubscribing = false;
    });

    internal void Unsubscribe(SimulatedClient client, int connection, string channel, ulong request) => World.Membership.Run(Id, _ =>
    {
        _subscribers.Remove(request);
        if (_listeners.GetValueOrDefault(client) == connection) _listeners.Remove(client);
        _edgePresence.Leave(SimulatedWorld.PartitionOf(channel), channel, client.NameOf(connection));
        _edge.Unsubscribe(channel, request, Now);
    });

    public void Deliver(string channel, LogEntry entry)
    {
        foreach (SimulatedClient each in ListenersOf(channel)) each.OnPublication(entry);
    }

    public void Gap(string channel, ChannelPosition position)
    {
        foreach (SimulatedClient each in ListenersOf(channel)) each.OnGap(position);
    }

    public void Subscribed(string channel, ulong request, ChannelPosition position, bool isRecovered, IReadOnlyList<LogEntry> missed)
    {
        if (!_subscribers.Remove(request, out (SimulatedClient Client, int Connection) subscriber)) return;
        if (!subscriber.Client.OnSubscribed(this, subscriber.Connection, position, isRecovered, missed, isByHome: !_isSubscribing)) return;
        _listeners[subscriber.Client] = subscriber.Connection;
    }

    // What a node still sends on a connection that the client has left does not arrive.
    private IEnumerable<SimulatedClient> ListenersOf(string channel) =>
        _listeners.Where(each => each.Key.Channel == channel && each.Key.Node == this && each.Key.Connection == each.Value)
            .Select(static each => each.Key);

    void IEdgeOutput.Send(MemberId to, IPartitionMessage message)
    {
        if (message is InterestDigest && World.Options.BrokenHost.HasFlag(HostRules.Digests)) return;
        World.Network.Send(this, to, message);
    }

    void IPresenceOutput.Send(MemberId to, IPartitionMessage message)
    {
        if (message is PresenceDigest && World.Options.BrokenHost.HasFlag(HostRules.Digests)) return;
        World.Network.Send(this, to, message);
    }

    private void FollowHomes()
    {
        for (int partition = 0; partition < _edgeHomes.Length; partition++)
        {
            MemberId? home = Partitions[partition].Home;
            if (home is { } known && known != Id && !_up.Contains(known)) home = null;
            (MemberId?, Term) next = (home, home is null ? Term.None : Partitions[partition].HomeTerm);
            if (next != _edgeHomes[partition]) SetEdgeHome(partition, next);
        }
    }

    private void SetEdgeHome(int partition, (MemberId? Home, Term Term) home)
    {
        _edgeHomes[partition] = home;
        _edge.OnHome(partition, home.Home, Now);
        _edgePresence.OnHome(partition, home.Home, Now);
    }

    private void Try(Publication publication)
    {
        if (World.Now > publication.Until) return;
        publication.TriedAt = World.Now;
        publication.RetryAt = null;
        int partition = SimulatedWorld.PartitionOf(publication.Channel);
        if (Partitions[partition].Home is not { } home) return;
        bool hasKey = publication.Attempts++ == 0 || !World.Options.BrokenHost.HasFlag(HostRules.RepeatWithKey);
        string key = hasKey ? $"k{publication.Id}" : "";
        World.Network.Send(
            this, home, new PublishForward(
                partition, (ulong)publication.Id, publication.Channel, key, SimulatedWorld.KeepMaxOf(publication.Channel),
                    BytesOf(publication.Id)));
    }

    private void RetryPublications()
    {
        foreach (Publication each in _publications.Values.ToArray())
        {
            if (World.Now > each.Until) _publications.Remove(each.Id);
            else if (each.RetryAt is { } at ? World.Now >= at : World.Now - each.TriedAt > TimeSpan.FromSeconds(1)) Try(each);
        }
    }

    private void OnReply(PublishReply message)
    {
        if (!_publications.TryGetValue((int)message.Request, out Publication? publication)) return;
        if (message.Outcome is PublishOutcome.Published or PublishOutcome.Repeated)
        {
            _publications.Remove(publication.Id);
            World.Checker.Replied(publication.Id, publication.Channel, message.Position);
            if (World.Chance(0.02)) World.After(World.Seconds(0, 10), () => World.PickNode()?.Publish(publication.Id, publication.Channel));
            return;
        }

        World.Count($"answers {message.Outcome}");
        publication.RetryAt = World.Now + TimeSpan.FromSeconds(World.Seconds(0.05, 0.3));
    }

    // --- at the home

    internal void TrimOrEvict(string channel, bool isEvict) => World.Membership.Run(Id, _ =>
    {
        Partition partition = Partitions[SimulatedWorld.PartitionOf(channel)];
        ChannelPosition top = Store.Logs[partition.Number].Top(channel);
        if (isEvict)
        {
            if (partition.Evict(channel)) World.Checker.MayEvict(channel, top.Epoch);
        }
        else if (partition.Trim(channel, top.Offset / 2))
        {
            World.Checker.MayTrim(channel, top.Epoch, top.Offset / 2);
        }
    });

    private void Handle(MemberId from, IPartitionMessage message)
    {
        int partition = message.Partition;
        switch (message)
        {
            case PublishForward publish:
                ulong request = ++_requests;
                _forwarded[request] = (from, publish.Request, (int)publish.Request);
                long time = (long)World.Now.TotalMilliseconds + WallSkewMilliseconds;
                Partitions[partition].Publish(
                    request, new PublishCommand(publish.Channel, publish.Key, time, publish.KeepMax, publish.Data), Now);
                break;
            case PublishReply reply:
                OnReply(reply);
                break;
            case Listen listen when Interest[partition] is { } index:
                if (!index.Listen(from, listen)) break;
                _listens[++_requests] = (from, listen);
                Partitions[partition].BeginRead(_requests, Now);
                break;
            case Unlisten unlisten:
                Interest[partition]?.Unlisten(from, unlisten);
                break;
            case InterestDigest digest:
                if (Interest[partition]?.Differs(from, digest) == true) World.Network.Send(this, from, new InterestWanted(partition));
                break;
            case InterestList list:
                Interest[partition]?.Replace(from, list);
                break;
            case Listening listening:
                _edge.OnListening(from, listening, Now);
                break;
            case Delivery delivery:
                World.Count("deliveries between nodes");
                if (World.IsQuiet && World.Now > World.Options.Length - TimeSpan.FromSeconds(5))
                    World.Checker.CheckWanted(this, delivery.Entry.Channel);
                _edge.OnDelivery(from, delivery.Entry, Now);
                break;
            case InterestWanted wanted:
                _edge.OnWanted(from, wanted);
                break;
            case PresenceJoin join:
                Presence[partition]?.Join(from, join);
                break;
            case PresenceLeave leave:
                Presence[partition]?.Leave(from, leave);
                break;
            case PresenceDigest digest:
                if (Presence[partition]?.Differs(from, digest) == true) World.Network.Send(this, from, new PresenceWanted(partition));
                break;
            case PresenceList list:
                Presence[partition]?.Replace(from, list);
                break;
            case PresenceWanted wanted:
                _edgePresence.OnWanted(from, wanted);
                break;
            default:
                Partitions[partition].OnMessage(from, message, Now);
                break;
        }
    }

    internal bool EdgeWants(string channel) => _edge.Knows(channel);

    void IPartitionOutput.Send(MemberId to, IPartitionMessage message) => World.Network.Send(this, to, message);

    public void Committed(int partition, LogEntry entry)
    {
        if (entry.Kind != LogEntryKind.Publication) return;
        World.Checker.Committed(this, partition, entry);
        var listeners = new List<MemberId>();
        Interest[partition]?.CopyListeners(entry.Channel, listeners);
        foreach (MemberId each in listeners) World.Network.Send(this, each, new Delivery(partition, entry));
    }

    public void Replied(int partition, ulong request, PublishOutcome outcome, ChannelPosition position)
    {
        if (!_forwarded.Remove(request, out (MemberId Edge, ulong Request, int Id) forwarded)) return;
        if (outcome == PublishOutcome.Published) World.Checker.Acknowledged(this, partition, forwarded.Id, position);
        World.Network.Send(
            this, forwarded.Edge, new PublishReply(partition, forwarded.Request, outcome, position, Partitions[partition].HomeTerm));
    }

    public void Proven(int partition, ulong request, bool isHome)
    {
        if (!_listens.Remove(request, out (MemberId Edge, Listen Message) listen) || !isHome) return;
        Partition known = Partitions[partition];
        ChannelPosition top = known.Top(listen.Message.Channel);
        IReadOnlyList<LogEntry> missed = [];
        bool isRecovered = false;
        if (listen.Message.After is { } after && after.Epoch == top.Epoch && after.Offset <= top.Offset)
        {
            missed = known.Read(listen.Message.Channel, after.Offset, int.MaxValue);
            isRecovered =
                after.Offset == top.Offset || (missed.Count > 0 && missed[0].Offset == after.Offset + 1 && missed[^1].Offset == top.Offset);
            if (!isRecovered) missed = [];
        }

        World.Network.Send(
            this, listen.Edge, new Listening(partition, listen.Message.Number, listen.Message.Channel, top, isRecovered, missed));
    }

    private string ReplicasOf(int partition, HomeState state)
    {
        if (Partitions[partition].Replicas is not { } set || state != HomeState.Active) return "";
        return string.Create(CultureInfo.InvariantCulture,
            $" v{set.Version} on {string.Join(',', set.Stores)}, {Store.Logs[partition].Sequence} entries, lineage {set.Lineage}");
    }

    public void Changed(int partition, HomeState state, Term term)
    {
        World.Trace($"{this} is {state} of {partition} in {term}{ReplicasOf(partition, state)}");
        World.Count($"state {state}");
        if (state == HomeState.Syncing && Store.Logs[partition].Lineage == term) World.Checker.BeginsLineage(this, partition);
        if (state == HomeState.None) (Interest[partition], Presence[partition]) = (null, null);
        if (state != HomeState.Active) return;
        if (Interest[partition] is null)
        {
            (Interest[partition], Presence[partition]) = (new HomeInterest(), NewPresence());
            foreach (MemberId each in _members)
            {
                if (World.Options.BrokenHost.HasFlag(HostRules.Digests)) break;
                World.Network.Send(this, each, new InterestWanted(partition));
                World.Network.Send(this, each, new PresenceWanted(partition));
            }
        }

        World.Checker.Activated(this, partition, term);
    }

    private PresenceIndex NewPresence()
    {
        var index = new PresenceIndex();
        foreach (ClusterMember each in View.Members.Where(static each => !each.IsReachable)) index.Hide(each.Id);
        return index;
    }

    private sealed class Publication(int id, string channel)
    {
        internal int Id => id;

        internal string Channel => channel;

        internal int Attempts { get; set; }

        internal TimeSpan Until { get; init; }

        internal TimeSpan TriedAt { get; set; }

        internal TimeSpan? RetryAt { get; set; }
    }
}
