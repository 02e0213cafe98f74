using Akka.Actor;
using Broker.Actors.Channels.Formats;
using Broker.Actors.Channels.Home;
using Broker.Actors.Model;
using Broker.Core.Protocol.Transfers;
using static Broker.Actors.Channels.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>This node's side of one channel: how many subscriptions each loop has, in which encodings, and the channel's last position here.</summary>
internal sealed class RelayChannel : IChannelListener
{
    private readonly ChannelRelay _relay;
    private readonly int[] _counts;             // Subscriptions on each loop, and behind them by encoding.
    private object?[]? _prepared;               // What encodings keep for the channel, from the first publication on.

    internal RelayChannel(ChannelRelay relay, string name, uint number)
    {
        _relay = relay;
        Name = name;
        Number = number;
        _counts = new int[relay.Loops + relay.Formats.EncodingCount];
    }

    internal string Name { get; }

    internal uint Number { get; }

    /// <summary>The newest publication that came here, or where the channel stood when the node was attached.</summary>
    internal StreamPosition Position { get; set; }

    /// <summary>Whether clients may recover, as the home says.</summary>
    internal bool Recoverable { get; set; }

    /// <summary>Subscriptions of this node.</summary>
    internal int Count { get; private set; }

    internal void Add(Subscription subscription, int count)
    {
        Count += count;
        _counts[subscription.Loop] += count;
        _counts[_relay.Loops + subscription.Format.Encoding.Slot] += count;
    }

    /// <summary>Encodes the publication once for each encoding that somebody reads, and hands one message to each loop that has subscriptions.</summary>
    public int Deliver(in ChannelHomeProtocol.Deliver delivery)
    {
        Position = delivery.Position;
        var deliver = new Deliver(Name, _relay.Self, Encode(delivery.Publication)) { ExceptClient = delivery.ExceptClient };
        int bytes = deliver.Publication.Bytes;
        for (int loop = 0; loop < _relay.Loops; loop++)
        {
            if (_counts[loop] == 0) continue;
            deliver.Publication.ByReference?.Data.Hold();
            _relay.Send(loop, deliver, bytes);
        }

        return Count;
    }

    private EncodedPublication Encode(in Publication publication)
    {
        LongBytes? data = publication.LongData;
        var encoded = new EncodedPublication { ByReference = data is null ? null : new LongPublication(Number, publication.Offset, data) };
        for (int slot = 0; slot < _relay.Formats.EncodingCount; slot++)
        {
            if (_counts[_relay.Loops + slot] == 0) continue;
            PublicationEncoding encoding = _relay.Formats.EncodingOf(slot);
            _prepared ??= new object?[_relay.Formats.EncodingCount];
            object? prepared = _prepared[slot] ??= encoding.Prepare(Name);
            encoded.Set(slot, encoding.Encode(new EncodedChannel(Name, Number, prepared), publication));
        }

        return encoded;
    }
}
