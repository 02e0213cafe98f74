using Broker.Cluster.Protocol.Copies;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Presence;
using Broker.Cluster.Protocol.Register;

namespace Broker.Tests.Cluster.Simulation;

/// <summary>Judges a run by what clients were told, and by what homes are.</summary>
/// <remarks>
/// <code>
/// I1  each acknowledged position has one content, for ever
/// I2  what is delivered at a position equals it
/// I3  an acknowledged or delivered entry is in the log of every later home of its lineage
/// I4  nothing is acknowledged by a term after a higher one is active
/// I5  a lineage ends only when every replica of its newest set is gone; nothing is acknowledged in it later
/// I6  each listener sees the offsets of an epoch without repeat, reorder or untold gap
/// I7  one active home at the end of a quiet time
/// I8  a recovery that says it is whole is whole, and not older than what was acknowledged before it was asked for
/// I9  a home that has received no majority of the members for some seconds acknowledges nothing
/// J   with quiet views the home's index of listeners is that of the edges; nothing is sent to a node that does not listen
/// P   after a quiet time presence is exact; no client of a node that ended long ago is shown
/// </code>
/// </remarks>
internal sealed class ClusterChecker(SimulatedWorld world)
{
    private readonly Dictionary<(string Channel, ulong Epoch), List<(ulong Offset, int Id, Term Lineage)>> _seen = [];
    private readonly Dictionary<(string Channel, ulong Epoch, ulong Offset), int> _contents = [];
    private readonly Dictionary<(string Channel, ulong Epoch), ulong> _acknowledgedTop = [];
    private readonly Dictionary<int, (ChannelPosition Position, Term Lineage)> _indexes = [];
    private readonly HashSet<(string Channel, ulong Epoch)> _mayEvict = [];
    private readonly Dictionary<(string Channel, ulong Epoch), ulong> _mayTrim = [];
    private readonly Dictionary<int, (Term Term, ReplicaSet Set)> _highest = [];
    private readonly Dictionary<int, Dictionary<Term, TimeSpan>> _ended = [];     // And when.
    private readonly Dictionary<int, List<ReplicaSet>> _written = [];
    private readonly Dictionary<int, string> _begun = [];

    internal List<string> Violations { get; } = [];

    internal int AcknowledgedCount { get; private set; }

    internal void Begin(int id, string channel) => _begun[id] = channel;

    internal void MayEvict(string channel, ulong epoch) => _mayEvict.Add((channel, epoch));

    internal void MayTrim(string channel, ulong epoch, ulong offset) =>
        _mayTrim[(channel, epoch)] = Math.Max(offset, _mayTrim.GetValueOrDefault((channel, epoch)));

    internal ChannelPosition HighestOf(string channel, ulong epoch) => new(epoch, _acknowledgedTop.GetValueOrDefault((channel, epoch)));

    /// <summary>A home delivers an entry.</summary>
    internal void Committed(SimulatedNode home, int partition, LogEntry entry)
    {
        Term lineage = home.Partitions[partition].Replicas?.Lineage ?? home.Store.Logs[partition].Lineage;
        int id = SimulatedNode.IdOf(entry);
        See("I2", entry.Channel, new ChannelPosition(entry.Epoch, entry.Offset), id, lineage);
    }

    /// <summary>A home acknowledges a publication.</summary>
    internal void Acknowledged(SimulatedNode home, int partition, int id, ChannelPosition position)
    {
        AcknowledgedCount++;
        world.Count("acknowledged");
        if (!home.WasSentByMajority(TimeSpan.FromSeconds(2.5)))
            Fail("I9", $"{home} acknowledged {id}, and nothing of a majority had arrived for 2.5 s");
        Term term = home.Partitions[partition].Term;
        Term lineage = home.Partitions[partition].Replicas?.Lineage ?? Term.None;
        See("I1", _begun[id], position, id, lineage);
        (string, ulong) epoch = (_begun[id], position.Epoch);
        _acknowledgedTop[epoch] = Math.Max(position.Offset, _acknowledgedTop.GetValueOrDefault(epoch));
        if (_highest.TryGetValue(partition, out (Term Term, ReplicaSet Set) highest) && highest.Term > term)
            Fail("I4", $"{home} acknowledged {id} in {term} after {highest.Term} was active");
        if (_ended.TryGetValue(partition, out Dictionary<Term, TimeSpan>? ended) && ended.ContainsKey(lineage))
            Fail("I5", $"{home} acknowledged {id} in lineage {lineage}, which had ended");
    }

    /// <summary>A publisher has its answer.</summary>
    internal void Replied(int id, string channel, ChannelPosition position)
    {
        if (_contents.TryGetValue((channel, position.Epoch, position.Offset), out int there) && there != id)
            Fail("I1", $"{id} was answered {position} of {channel}, where {there} is");
    }

    internal void Activated(SimulatedNode home, int partition, Term term)
    {
        ReplicaSet set = home.Partitions[partition].Replicas!;
        bool isLate = _highest.TryGetValue(partition, out (Term Term, ReplicaSet Set) highest) && highest.Term > term;
        if (isLate) return;      // It is active without power: nothing that it appends is taken by all.
        if (highest.Set is not null && highest.Set.Lineage != set.Lineage)
        {
            world.Count("lineages ended");
            if (!_ended.TryGetValue(partition, out Dictionary<Term, TimeSpan>? ended)) _ended[partition] = ended = [];
            ended[highest.Set.Lineage] = world.Now;
        }

        // All processes have ended, all that a later lineage had is lost, and no one remembers it: the one before goes on from disks.
        bool isEvicted =
            !world.Membership.Members.Any(each => each.Store.Logs[partition].Record.Set is { } known && known.Lineage != set.Lineage);
        if (isEvicted && _ended.TryGetValue(partition, out Dictionary<Term, TimeSpan>? over)
            && over.TryGetValue(set.Lineage, out TimeSpan endedAt) && world.Membership.ColdStartAt > endedAt)
        {
            over.Remove(set.Lineage);
            world.Count("lineages resumed");
        }

        if (highest.Set is null || set.IsNewerThan(highest.Set)) _highest[partition] = (term, set);
        CheckLog(home, partition, $"when {term} became active");
    }

    /// <summary>A claimant begins with an empty log.</summary>
    internal void BeginsLineage(SimulatedNode home, int partition)
    {
        if (!_highest.TryGetValue(partition, out (Term Term, ReplicaSet Set) highest)) return;
        ReplicaSet set = highest.Set;
        HashSet<StoreId> present = [.. home.View.Members.Select(static each => each.Store)];

        // A cluster that starts again from disks cannot know what is newest unless all replicas are there.
        bool isRegisterLost = world.Membership.Members.All(each => !home.View.Contains(each.Id) || !each.KnowsSet(partition));
        RegisterRecord best =
            world.Membership.Members.Where(each => home.View.Contains(each.Id))
                .Aggregate(RegisterRecord.Empty, (known, each) => known.Merge(each.Store.Logs[partition].Record));
        if (isRegisterLost && best.Set?.IsProvenBy(present) != true)
        {
            world.Count("lineages given up unproven");
            return;
        }

        // A newer set that was written, but not activated, has taken the place of the one that was active.
        foreach (ReplicaSet newer in _written.GetValueOrDefault(partition, []).Where(each => each.IsNewerThan(set)).Append(set))
        {
            bool isHeld =
                world.Membership.Members.Any(
                    each => home.View.Contains(each.Id) && newer.Stores.Contains(each.Store.Id)
                        && each.Store.Logs[partition].Lineage == set.Lineage);
            if (!isHeld) return;
        }

        Fail("I5", $"{home} ends lineage {set.Lineage}, which a member has");
    }

    internal void Written(int partition, ReplicaSet set)
    {
        if (!_written.TryGetValue(partition, out List<ReplicaSet>? sets)) _written[partition] = sets = [];
        sets.Add(set);
    }

    internal void CheckReceived(SimulatedClient client, ChannelPosition? before, LogEntry entry)
    {
        var position = new ChannelPosition(entry.Epoch, entry.Offset);
        if (before is { } last && (last.Epoch != entry.Epoch || entry.Offset != last.Offset + 1))
            Fail("I6", $"{client} of {client.Channel} was given {position} after {last}");
        int id = SimulatedNode.IdOf(entry);
        if (_contents.TryGetValue((entry.Channel, entry.Epoch, entry.Offset), out int known) && known != id)
            Fail("I2", $"{client} was given {id} at {position} of {entry.Channel}, where {known} is");
    }

    internal void CheckRecovery(
        SimulatedClient client, ChannelPosition? asked, ChannelPosition highestWhenAsked, ChannelPosition position, bool isRecovered,
            IReadOnlyList<LogEntry> missed)
    {
        if (asked is null || !isRecovered) return;
        if (asked.Value.Epoch != position.Epoch) Fail("I8", $"{client} was told it recovered from {asked} to {position}");
        if (asked.Value.Offset + (ulong)missed.Count != position.Offset)
            Fail("I8", $"{client} was given {missed.Count} entries between {asked} and {position}");
        if (position.Offset < highestWhenAsked.Offset)
            Fail("I8", $"{client} of {client.Channel} was told {position} is all, and {highestWhenAsked} was acknowledged before it asked");
    }

    internal void CheckWanted(SimulatedNode node, string channel)
    {
        if (!node.EdgeWants(channel)) Fail("J3", $"{node} was sent a publication of {channel}, to which it does not listen");
    }

    /// <summary>No client of a node that ended is shown longer than it takes to find out.</summary>
    internal void CheckPresence()
    {
        foreach ((SimulatedNode home, int partition) in ActiveHomes())
        {
            if (home.Presence[partition] is not { } index || world.Now < home.PausedUntil + TimeSpan.FromSeconds(4)) continue;
            foreach (MemberId each in index.Nodes)
            {
                if (world.Membership.EndedAt.TryGetValue(each, out TimeSpan at) && world.Now - at > TimeSpan.FromSeconds(16))
                    Fail("P2", $"{home} knows {each}, which ended at {at.TotalSeconds:F1}");
            }

            foreach (string channel in SimulatedWorld.ChannelsOf(partition))
            {
                foreach (PresenceEntry each in index.Read(channel))
                {
                    SimulatedClient client = world.Clients[each.Client[0] - '0'];
                    if (client.EndOf(each.Client) is { } at && world.Now - at > TimeSpan.FromSeconds(6))
                        Fail("P2", $"{home} shows {each.Client}, whose node ended at {at.TotalSeconds:F1}");
                }
            }
        }
    }

    internal void CheckEnd()
    {
        for (int partition = 0; partition < world.Options.Partitions; partition++)
        {
            List<SimulatedNode> homes = [.. ActiveHomes().Where(each => each.Partition == partition).Select(static each => each.Home)];
            if (homes.Count != 1)
            {
                Fail("I7", $"partition {partition} has {homes.Count} active homes at the end: "
                    + $"{string.Join(", ", world.Membership.Members.Select(each => $"{each} {each.Partitions[partition].State}"))}");
                continue;
            }

            CheckLog(homes[0], partition, "at the end");
            CheckQuiet(homes[0], partition);
        }
    }

    private IEnumerable<(SimulatedNode Home, int Partition)> ActiveHomes()
    {
        foreach (SimulatedNode each in world.Membership.Members)
        {
            for (int partition = 0; partition < world.Options.Partitions; partition++)
            {
                if (each.Partitions[partition].State == HomeState.Active) yield return (each, partition);
            }
        }
    }

    private void See(string rule, string channel, ChannelPosition position, int id, Term lineage)
    {
        if (_contents.TryGetValue((channel, position.Epoch, position.Offset), out int known))
        {
            if (known != id) Fail(rule, $"{position} of {channel} is {known} and {id}");
        }
        else
        {
            _contents[(channel, position.Epoch, position.Offset)] = id;
            if (!_seen.TryGetValue((channel, position.Epoch), out List<(ulong, int, Term)>? entries))
                _seen[(channel, position.Epoch)] = entries = [];
            entries.Add((position.Offset, id, lineage));
        }

        // One key, one place, while the lineage lives and the channel is not dropped.
        if (_indexes.TryGetValue(id, out (ChannelPosition Position, Term Lineage) place) && place.Position != position
            && place.Lineage == lineage
            && !_mayEvict.Contains((channel, place.Position.Epoch)) && !_mayEvict.Contains((channel, position.Epoch)))
            Fail("I1", $"{id} of {channel} is at {place.Position} and at {position}");
        _indexes[id] = (position, lineage);
    }

    private void CheckLog(SimulatedNode home, int partition, string when)
    {
        MemoryReplicaLog log = home.Store.Logs[partition];
        foreach (string channel in SimulatedWorld.ChannelsOf(partition))
        {
            ChannelPosition top = log.Top(channel);
            Dictionary<ulong, int> kept =
                log.Read(channel, 0, ulong.MaxValue, int.MaxValue).ToDictionary(static each => each.Offset, SimulatedNode.IdOf);
            ulong first = kept.Count > 0 ? kept.Keys.Min() : top.Offset + 1;
            foreach (((string name, ulong epoch), List<(ulong Offset, int Id, Term Lineage)> entries) in _seen)
            {
                if (name != channel) continue;
                foreach ((ulong offset, int id, Term lineage) in entries)
                {
                    if (lineage != log.Lineage) continue;
                    string? fault = Judge(epoch, offset, id);
                    if (fault is null) continue;
                    Fail("I3", $"{id} at {epoch:x}/{offset} of {channel} {fault} in the log of {home} {when}");
                    return;
                }

                string? Judge(ulong epoch, ulong offset, int id)
                {
                    if (_mayEvict.Contains((channel, epoch))) return null;
                    if (epoch != top.Epoch) return "is of an epoch that is not there";
                    if (offset > top.Offset) return $"is behind the end {top.Offset}";
                    if (kept.TryGetValue(offset, out int there)) return there == id ? null : $"is {there}";
                    bool isTrimmed =
                        offset < first
                            && (offset <= _mayTrim.GetValueOrDefault((channel, epoch))
                            || (SimulatedWorld.KeepMaxOf(channel) is > 0 and int keep && offset + (ulong)keep <= top.Offset));
                    return isTrimmed ? null : "is missing";
                }
            }
        }
    }

    private void CheckQuiet(SimulatedNode home, int partition)
    {
        PresenceIndex? presence = home.Presence[partition];
        if (presence is null || !presence.IsComplete(home.View)) Fail("P3", $"{home} has no complete presence of {partition} at the end");
        foreach (string channel in SimulatedWorld.ChannelsOf(partition))
        {
            List<SimulatedClient> clients = [.. world.Clients.Where(each => each.Channel == channel && each.Node is not null)];
            foreach (SimulatedClient each in clients)
            {
                if (!each.IsListening) Fail("J1", $"{each} of {channel} at {each.Node} waits at the end");
                else if (each.Position != home.Partitions[partition].Top(channel))
                    Fail("J2", $"{each} of {channel} is at {each.Position} at the end, and the channel at "
                        + $"{home.Partitions[partition].Top(channel)}");
            }

            foreach (SimulatedNode node in world.Membership.Members)
            {
                bool listens = home.Interest[partition]!.Listens(node.Id, channel);
                if (listens != node.EdgeWants(channel)) Fail("J1", $"{home} {(listens ? "sends" : "does not send")} {channel} to {node}");
            }

            IEnumerable<string> shown = (presence?.Read(channel) ?? []).Select(static each => each.Client).Order();
            IEnumerable<string> there = clients.Select(static each => each.NameOf(each.Connection)).Order();
            if (!shown.SequenceEqual(there))
                Fail("P3", $"{home} shows {string.Join(' ', shown)} in {channel} at the end, and there are {string.Join(' ', there)}");
        }
    }

    private void Fail(string rule, string what)
    {
        Violations.Add($"{rule} at {world.Now.TotalSeconds:F3}: {what}");
        world.Trace($"VIOLATION {rule}: {what}");
    }
}
