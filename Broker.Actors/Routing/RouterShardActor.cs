using Akka.Actor;
using Akka.Event;
using Broker.Actors.Sessions;
using Broker.Core.Centrifuge;
using Broker.Core.Counting;
using Broker.Core.Protocol.Transfers;
using static Broker.Actors.Routing.RoutingProtocol;

namespace Broker.Actors.Routing;

/// <summary>
/// The home of the channels whose names hash to it: gives their publications one order, encodes each once for every format
/// that has listeners, and sends it once to each loop that has some.
/// </summary>
/// <remarks>
/// Runs on one loop and is restarted there if it fails: it then knows no channel any more, says so to every fan-out, and the
/// clients are told to subscribe again. While a loop lags behind by more than its bound, publishers wait for their replies.
/// </remarks>
public sealed class RouterShardActor : UntypedActor
{
    private readonly int _shard;
    private readonly IReadOnlyList<IActorRef> _fanOuts;
    private readonly ChannelNumbers _numbers;
    private readonly RoutingSettings _settings;
    private readonly LoopCounters _counters;
    private readonly Dictionary<string, Channel> _channels = new(StringComparer.Ordinal);
    private readonly long[] _underWay;                              // Bytes of publications that each loop has not taken yet.
    private readonly Queue<(IActorRef Publisher, SessionProtocol.Published Reply)> _held = new();

    private sealed class Channel(string name, int loops, ChannelPlace place)
    {
        internal readonly byte[] Prefix = PublicationEncoder.EncodePrefix(System.Text.Encoding.UTF8.GetBytes(name));
        internal readonly int[] Members = new int[loops];           // On each loop.
        internal ChannelPlace Place = place;
        internal int Lines;                                         // Members who read JSON,
        internal int Messages;                                      // and members who read native messages.

        internal int Count => Lines + Messages;

        internal void Add(Membership member, int count)
        {
            Members[member.Loop] += count;
            if (member.Format == WireFormat.Json) Lines += count;
            else Messages += count;
        }

        internal EncodedPublication Encode(Publish publish, int lineBytesMax)
        {
            Place = Place with { Offset = Place.Offset + 1 };
            if (publish.LongData is { } data) return EncodeLong(publish, data, lineBytesMax);
            return new EncodedPublication(
                Lines == 0 ? default(ReadOnlyMemory<byte>) : EncodedPublication.EncodeLine(Prefix, publish),
                Messages == 0 ? default(ReadOnlyMemory<byte>) : EncodedPublication.EncodeMessage(Place, publish.Data.Span));
        }

        private EncodedPublication EncodeLong(Publish publish, LongBytes data, int lineBytesMax) => new(
            Lines == 0 || data.Bytes > lineBytesMax ? default(ReadOnlyMemory<byte>) : EncodedPublication.EncodeLine(Prefix, publish with { Data = data.ToArray() }),
            default)
        {
            ByReference = new LongPublication(Place, data),
        };
    }

    /// <summary>How it is made.</summary>
    /// <param name="shard">Its number.</param>
    /// <param name="fanOuts">The fan-out of each loop, at the place of its number.</param>
    /// <param name="numbers">Those of all channels of the hub.</param>
    /// <param name="settings">Bounds.</param>
    /// <param name="counters">Those of the loop that it runs on.</param>
    public static Props PropsFor(int shard, IReadOnlyList<IActorRef> fanOuts, ChannelNumbers numbers, RoutingSettings settings, LoopCounters counters) =>
        Props.Create(() => new RouterShardActor(shard, fanOuts, numbers, settings, counters));

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public RouterShardActor(int shard, IReadOnlyList<IActorRef> fanOuts, ChannelNumbers numbers, RoutingSettings settings, LoopCounters counters)
    {
        _shard = shard;
        _fanOuts = fanOuts;
        _numbers = numbers;
        _settings = settings;
        _counters = counters;
        _underWay = new long[fanOuts.Count];
    }

    /// <inheritdoc />
    protected override void PreStart()
    {
        // One that starts anew knows no channel.
        _counters.Set(LoopCount.Channels, 0);
        _counters.Set(LoopCount.Subscriptions, 0);
    }

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Publish publish: Send(publish); break;
            case Taken taken: Release(taken); break;
            case Subscribe subscribe: Add(subscribe); break;
            case Unsubscribe unsubscribe: Remove(unsubscribe); break;
            default: Unhandled(message); break;
        }
    }

    private void Add(Subscribe subscribe)
    {
        Membership member = subscribe.Membership;
        if (!_channels.TryGetValue(member.Channel, out Channel? channel))
        {
            _channels.Add(member.Channel, channel = new Channel(member.Channel, _fanOuts.Count, _numbers.Next()));
            _counters.Add(LoopCount.Channels);
        }

        _counters.Add(LoopCount.Subscriptions);
        channel.Add(member, 1);
        member.CountedBy = channel;
        _fanOuts[member.Loop].Tell(new Attach(member, _shard, channel.Place, subscribe.Id, subscribe.Bytes));
    }

    private void Remove(Unsubscribe unsubscribe)
    {
        Membership member = unsubscribe.Membership;

        // After a restart this home does not know the member, though perhaps others of the same channel, who have come
        // since; the fan-out has forgotten it too, and still answers.
        if (_channels.TryGetValue(member.Channel, out Channel? channel) && ReferenceEquals(member.CountedBy, channel))
        {
            member.CountedBy = null;
            channel.Add(member, -1);
            _counters.Add(LoopCount.Subscriptions, -1);
            if (channel.Count == 0 && _channels.Remove(member.Channel)) _counters.Add(LoopCount.Channels, -1);
        }

        _fanOuts[member.Loop].Tell(new Detach(member, unsubscribe.Id, unsubscribe.Bytes));
    }

    private void Send(Publish publish)
    {
        int receivers = 0;
        ulong offset = 0;
        if (_channels.TryGetValue(publish.Channel, out Channel? channel))
        {
            receivers = channel.Count;
            var deliver = new Deliver(publish.Channel, _shard, channel.Encode(publish, _settings.LineBytesMax));
            offset = channel.Place.Offset;
            for (int loop = 0; loop < _fanOuts.Count; loop++)
            {
                if (channel.Members[loop] == 0) continue;
                _underWay[loop] += deliver.Publication.Bytes;
                publish.LongData?.Hold();
                _fanOuts[loop].Tell(deliver);
            }
        }

        publish.LongData?.LetGo();
        _counters.Add(LoopCount.Publications);
        var reply = new SessionProtocol.Published(publish.Id, publish.Bytes, receivers, offset);
        if (_held.Count == 0 && !LagsBehind) publish.Publisher.Tell(reply);
        else _held.Enqueue((publish.Publisher, reply));
    }

    private bool LagsBehind
    {
        get
        {
            foreach (long bytes in _underWay)
            {
                if (bytes > _settings.LoopBytesMax) return true;
            }

            return false;
        }
    }

    private void Release(Taken taken)
    {
        // What was sent before a restart is taken after it, and was never counted here.
        _underWay[taken.Loop] = Math.Max(0, _underWay[taken.Loop] - taken.Bytes);
        while (_held.Count > 0 && !LagsBehind)
        {
            (IActorRef publisher, SessionProtocol.Published reply) = _held.Dequeue();
            publisher.Tell(reply);
        }
    }

    /// <inheritdoc />
    protected override void PreRestart(Exception reason, object message)
    {
        Context.GetLogger().Error(reason, "The home {0} of {1} channels failed and starts anew; their listeners are told to subscribe again.", _shard, _channels.Count);
        foreach (IActorRef fanOut in _fanOuts) fanOut.Tell(new Forget(_shard));
        while (_held.TryDequeue(out (IActorRef Publisher, SessionProtocol.Published Reply) held)) held.Publisher.Tell(held.Reply);

        // Whoever asked what could not be done hears so: nothing is lost in silence.
        switch (message)
        {
            case Publish publish: publish.Publisher.Tell(new SessionProtocol.Failed(publish.Id, publish.Bytes, CentrifugeError.Internal, Membership: null)); break;
            case Subscribe subscribe: subscribe.Membership.Session.Tell(new SessionProtocol.Failed(subscribe.Id, subscribe.Bytes, CentrifugeError.Internal, subscribe.Membership)); break;
            case Unsubscribe unsubscribe: _fanOuts[unsubscribe.Membership.Loop].Tell(new Detach(unsubscribe.Membership, unsubscribe.Id, unsubscribe.Bytes)); break;
            default: break;
        }

        base.PreRestart(reason, message);
    }
}
