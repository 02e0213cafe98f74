using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using Broker.Core.Delta;
using Broker.Core.Protocol.Transfers;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// This node's side of one channel: how many subscriptions each loop has, in which encodings, and the channel's last position here.
/// </summary>
internal sealed class RelayChannel : IChannelListener
{
    private readonly LoopFanOuts _fanOuts;
    private readonly int[] _counts;             // Subscriptions on each loop, and behind them by encoding.
    private object?[]? _prepared;               // What encodings keep for the channel, from the first publication on.
    private int[]? _deltas;                     // Subscriptions to differences by encoding, from the first on.
    private ReadOnlyMemory<byte> _base;         // What differences are made from; empty where there is nothing.
    private PresenceChanges? _changes;          // Joins and leaves that wait, from the first one on.

    internal RelayChannel(LoopFanOuts fanOuts, string name, uint number, ChannelNamespace options)
    {
        _fanOuts = fanOuts;
        Name = name;
        Number = number;
        Options = options;
        _counts = new int[fanOuts.Count + fanOuts.Formats.EncodingCount];
    }

    internal string Name { get; }

    internal uint Number { get; }

    internal ChannelNamespace Options { get; }

    /// <summary>The newest publication that came here, or where the channel stood when the node was attached.</summary>
    internal StreamPosition Position { get; set; }

    /// <summary>Subscriptions of this node.</summary>
    internal int Count { get; private set; }

    /// <summary>Those of them that are watched for gaps.</summary>
    internal int Positioned { get; private set; }

    /// <summary>Stands in the queue of <see cref="PositionChecks"/>.</summary>
    internal bool IsWatched { get; set; }

    /// <summary>What a home that takes the channel over is asked to go on from; null where there is no history.</summary>
    internal StreamPosition? RecoverFrom => Options is { History.IsOn: true, Recovery: true } ? Position : null;

    private int GettingJoinLeave { get; set; }

    internal void Add(Subscription subscription, int count)
    {
        Count += count;
        _counts[subscription.Loop] += count;
        int slot = subscription.Format.Encoding.Slot;
        if (subscription.Grants.HasFlag(SubscriptionGrants.GetsJoinLeave)) GettingJoinLeave += count;
        if (subscription.Grants.HasFlag(SubscriptionGrants.Positioned)) Positioned += count;
        if (!subscription.Grants.HasFlag(SubscriptionGrants.Delta))
        {
            _counts[_fanOuts.Count + slot] += count;
            return;
        }

        _deltas ??= new int[_fanOuts.Formats.EncodingCount];
        _deltas[slot] += count;
        if (_deltas[slot] == 0) _base = default;
    }

    /// <summary>
    /// Encodes the publication once for each encoding with a reader, and hands one message to each loop that has subscriptions.
    /// </summary>
    public int Deliver(in ChannelHomeProtocol.Deliver delivery)
    {
        Position = delivery.Position;
        Send(new Deliver(Name, _fanOuts.Home, Encode(delivery)) { ExceptClient = delivery.ExceptClient });
        return Count;
    }

    private void Send(Deliver deliver)
    {
        int bytes = deliver.Publication.Bytes;
        for (int loop = 0; loop < _fanOuts.Count; loop++)
        {
            if (_counts[loop] == 0) continue;
            deliver.Publication.ByReference?.Data.AddRef();
            _fanOuts.Send(loop, deliver, bytes);
        }
    }

    private EncodedPublication Encode(in ChannelHomeProtocol.Deliver delivery)
    {
        Publication publication = delivery.Publication;
        LongBytes? data = publication.LongData;
        var encoded = new EncodedPublication
        {
            ByReference = data is null ? null : new LongPublication(Number, publication.Offset, data),
            Offset = publication.Offset,
            Extras = publication.Extras,
            Deltas = _deltas is null ? null : EncodeDeltas(delivery),
        };
        for (int slot = 0; slot < _fanOuts.Formats.EncodingCount; slot++)
        {
            if (_counts[_fanOuts.Count + slot] != 0)
                encoded.Set(slot, _fanOuts.Formats.EncodingOf(slot).Encode(ChannelFor(slot), publication));
        }

        return encoded;
    }

    // One that is too long for a difference, or that not all are sent, leaves nothing to make the next difference from.
    private DeltaForms EncodeDeltas(in ChannelHomeProtocol.Deliver delivery)
    {
        Publication publication = delivery.Publication;
        var forms = new DeltaForms(_fanOuts.Formats.EncodingCount);
        ReadOnlyMemory<byte> former = delivery.UsesDelta ? _base : default;
        for (int slot = 0; slot < _fanOuts.Formats.EncodingCount; slot++)
        {
            if (_deltas![slot] == 0 || publication.LongData is not null) continue;
            PublicationEncoding encoding = _fanOuts.Formats.EncodingOf(slot);
            byte[]? delta = former.IsEmpty ? null : FossilEncoder.Encode(former.Span, publication.Data.Span, encoding.AlignsDeltas);
            forms.Set(slot, encoding.EncodeDelta(ChannelFor(slot), publication, default), delta is null ? null
                : encoding.EncodeDelta(ChannelFor(slot), publication, delta));
        }

        _base = publication.LongData is null && delivery.ExceptClient.Length == 0 ? publication.Data : default;
        return forms;
    }

    private EncodedChannel ChannelFor(int slot)
    {
        _prepared ??= new object?[_fanOuts.Formats.EncodingCount];
        object? prepared = _prepared[slot] ??= _fanOuts.Formats.EncodingOf(slot).Prepare(Name);
        return new EncodedChannel(Name, Number, prepared) { Epoch = Options.History.IsOn ? Position.Epoch : 0 };
    }

    /// <summary>The channel stands elsewhere than its node: what was lost is known to no one here.</summary>
    internal void Move(StreamPosition position)
    {
        Position = position;
        _base = default;
    }

    /// <summary>Has each loop with subscriptions compare where it stands, behind the publications that are on their way to it.</summary>
    internal void Verify(bool isLost)
    {
        var verify = new VerifyPosition(Name, Position.Offset, isLost);
        for (int loop = 0; loop < _fanOuts.Count; loop++)
        {
            if (_counts[loop] != 0) _fanOuts.Send(loop, verify);
        }
    }

    /// <summary>Notifies subscribers that a client has joined or left: at once, or in a very large channel later.</summary>
    /// <returns>Whether it waits, for <see cref="FlushChanges"/>.</returns>
    internal bool Announce(in PresenceChange change)
    {
        if (GettingJoinLeave == 0) return false;
        if ((_changes ??= new PresenceChanges()).MustWait(Count, Options.CoalesceAbove))
        {
            _changes.Add(change);
            return true;
        }

        SendChange(change);
        return false;
    }

    /// <summary>Sends what has waited.</summary>
    internal void FlushChanges()
    {
        foreach (PresenceChange change in _changes?.Take() ?? []) SendChange(change);
    }

    private void SendChange(in PresenceChange change)
    {
        var encoded = new EncodedPublication { IsPresence = true };
        for (int slot = 0; slot < _fanOuts.Formats.EncodingCount; slot++)
        {
            if (_counts[_fanOuts.Count + slot] + (_deltas?[slot] ?? 0) > 0)
                encoded.Set(slot, _fanOuts.Formats.EncodingOf(slot).EncodePresence(ChannelFor(slot), change));
        }

        Send(new Deliver(Name, _fanOuts.Home, encoded));
    }
}
