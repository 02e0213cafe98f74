using Akka.Actor;
using Akka.Event;
using Broker.Actors.Sessions;
using Broker.Core.Buffers;
using Broker.Core.Counting;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using static Broker.Actors.Routing.RoutingProtocol;

namespace Broker.Actors.Routing;

/// <summary>
/// The fan-out of one loop: keeps the dense list of each channel's clients on this loop, and sends them what the channel's
/// home delivers, all publications of a turn in one batch.
/// </summary>
/// <remarks>
/// Publications pass no session and no further mailbox: at the end of the turn the batch, one run of contiguous bytes for each
/// format, goes to every client's socket. A client joins or leaves a list between two batches, never inside one. One client that fails is
/// cut off; should the fan-out itself fail, it starts anew without members, and all of them are told to subscribe again.
/// </remarks>
public sealed class FanOutActor : UntypedActor
{
    private readonly EventLoop _loop;
    private readonly LoopReplies _replies;
    private readonly RoutingSettings _settings;
    private readonly Dictionary<string, Listeners> _channels = new(StringComparer.Ordinal);
    private readonly List<Listeners> _batched = [];
    private readonly Dictionary<IActorRef, int> _taken = [];        // Bytes taken in this turn, by the home they came from.
    private readonly ILoggingAdapter _log = Context.GetLogger();    // At a turn's end there is no context.
    private Action? _onTurnEnding;

    private sealed class Listeners(string channel, int shard)
    {
        internal readonly string Channel = channel;
        internal readonly int Shard = shard;
        internal readonly Audience?[] Audiences = new Audience?[Enum.GetValues<WireFormat>().Length];   // By format.
        internal bool IsBatched;                                    // Stands among those to be sent at the turn's end.

        internal bool HasMembers => Array.Exists(Audiences, static audience => audience is { Members.Count: > 0 });
    }

    /// <summary>How it is made.</summary>
    /// <param name="loop">The loop that it runs on.</param>
    /// <param name="replies">What the sessions of that loop say in a turn leaves before its publications.</param>
    /// <param name="settings">Bounds.</param>
    public static Props PropsFor(EventLoop loop, LoopReplies replies, RoutingSettings settings) =>
        Props.Create(() => new FanOutActor(loop, replies, settings));

    /// <summary>Use <see cref="PropsFor"/>.</summary>
    public FanOutActor(EventLoop loop, LoopReplies replies, RoutingSettings settings)
    {
        _loop = loop;
        _replies = replies;
        _settings = settings;
    }

    /// <inheritdoc />
    protected override void PreStart() => _loop.TurnEnding += _onTurnEnding = SendBatches;

    /// <inheritdoc />
    protected override void PostStop() => _loop.TurnEnding -= _onTurnEnding;

    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Deliver deliver: Batch(deliver); break;
            case Attach attach: Add(attach); break;
            case Detach detach: Remove(detach); break;
            case Forget forget: ForgetAll(forget.Shard); break;
            default: Unhandled(message); break;
        }
    }

    private void Batch(Deliver deliver)
    {
        Count(deliver);
        if (!_channels.TryGetValue(deliver.Channel, out Listeners? listeners))
        {
            deliver.Publication.ByReference?.Data.LetGo();
            return;
        }

        if (!listeners.IsBatched) _batched.Add(listeners);
        listeners.IsBatched = true;
        EncodedPublication publication = deliver.Publication;
        foreach (Audience? audience in listeners.Audiences)
        {
            if (audience is not { Members.Count: > 0 }) continue;
            if (publication.ByReference is { } whole && (audience.Format != WireFormat.Json || publication.Line.IsEmpty))
            {
                SendLong(audience, whole);
                continue;
            }

            if (!audience.HasRoomFor(publication, _settings.BatchBytesMax)) SendBatch(audience, atOnce: true);
            audience.Append(publication, _loop.Pool);
            if (audience.Fills(_settings.BatchBytesMax)) SendBatch(audience, atOnce: true);
        }

        if (publication.ByReference is null) return;
        publication.ByReference.Data.LetGo();
        if (!listeners.HasMembers) _channels.Remove(listeners.Channel);
    }

    // To each native client by itself, as it takes it. A JSON client is told that it does not get it.
    private void SendLong(Audience audience, LongPublication publication)
    {
        if (!audience.IsEmpty) SendBatch(audience, atOnce: true);
        foreach (Membership member in audience.Members.ToArray())
        {
            try
            {
                if (audience.Format == WireFormat.Json)
                {
                    audience.Remove(member);
                    member.Session.Tell(new SessionProtocol.Evicted(member));
                }
                else
                {
                    _loop.Counters.Add(LoopCount.Deliveries);
                    member.Outlet.DeliverLong(publication.Place, publication.Data);
                }
            }
            catch (Exception failure)
            {
                CutOff(member, failure);
            }
        }
    }

    private void Count(Deliver deliver)
    {
        if (Sender.IsNobody()) return;
        _taken[Sender] = _taken.GetValueOrDefault(Sender) + deliver.Publication.Bytes;
    }

    private void Add(Attach attach)
    {
        Membership member = attach.Membership;
        if (!_channels.TryGetValue(member.Channel, out Listeners? listeners))
            _channels.Add(member.Channel, listeners = new Listeners(member.Channel, attach.Shard));

        // What was published before belongs to those who listened before.
        SendBatch(listeners, atOnce: true);
        member.Number = attach.Place.Number;
        (listeners.Audiences[(int)member.Format] ??= new Audience(member.Format)).Add(member);
        try
        {
            member.Outlet.Subscribed(attach.Id, member.Channel, attach.Place);
            member.Outlet.Done(attach.Bytes);
        }
        catch (Exception failure)
        {
            CutOff(member, failure);
        }
    }

    private void Remove(Detach detach)
    {
        Membership member = detach.Membership;
        if (member.Index >= 0 && _channels.TryGetValue(member.Channel, out Listeners? listeners))
        {
            SendBatch(listeners, atOnce: true);
            listeners.Audiences[(int)member.Format]!.Remove(member);
            if (!listeners.HasMembers) _channels.Remove(member.Channel);
        }

        try
        {
            if (detach.Id != 0) member.Outlet.Unsubscribed(detach.Id, member.Number);
            member.Outlet.Done(detach.Bytes);
        }
        catch (Exception failure)
        {
            CutOff(member, failure);
        }
    }

    // A client that cannot be spoken to is lost, and nobody else with it: its session hears of the end and leaves.
    private void CutOff(Membership member, Exception failure)
    {
        _log.Error(failure, "{0} could not be answered and is cut off.", member.Outlet.Connection.Id);
        member.Outlet.Connection.Abort(ClosureCause.SessionFailed, failure.Message);
    }

    private void ForgetAll(int shard)
    {
        foreach (Listeners listeners in _channels.Values.Where(each => each.Shard == shard).ToList())
        {
            SendBatch(listeners, atOnce: true);
            _channels.Remove(listeners.Channel);
            Evict(listeners);
        }
    }

    private static void Evict(Listeners listeners)
    {
        foreach (Membership member in listeners.Audiences.SelectMany(static audience => audience?.Members ?? []))
        {
            member.Index = -1;
            member.Session.Tell(new SessionProtocol.Evicted(member));
        }
    }

    /// <inheritdoc />
    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "The fan-out of loop {0} failed and starts anew; the listeners of its {1} channels are told to subscribe again.", _loop.Number, _channels.Count);
        foreach (Listeners listeners in _channels.Values)
        {
            SendBatch(listeners, atOnce: true);
            Evict(listeners);
        }

        // The homes wait for what they sent to be taken.
        TellTaken();
        base.PreRestart(reason, message);
    }

    private void SendBatches()
    {
        _replies.SealAll();

        // Where several channels have a batch, a client may be in several of them: then each client's are gathered first.
        bool atOnce = _batched.Count == 1;
        foreach (Listeners listeners in _batched)
        {
            listeners.IsBatched = false;
            SendBatch(listeners, atOnce);
        }

        _batched.Clear();
        TellTaken();

        // What the socket takes at once is followed by the next turn, not by a sleep.
        if (_replies.SendChunks()) _loop.Post(static _ => { }, this);
    }

    private void TellTaken()
    {
        if (_taken.Count == 0) return;
        foreach ((IActorRef home, int bytes) in _taken) home.Tell(new Taken(_loop.Number, bytes), ActorRefs.NoSender);
        _taken.Clear();
    }

    private void SendBatch(Listeners listeners, bool atOnce)
    {
        foreach (Audience? audience in listeners.Audiences)
        {
            if (audience is { IsEmpty: false }) SendBatch(audience, atOnce);
        }
    }

    private void SendBatch(Audience audience, bool atOnce)
    {
        AudienceFrames frames = audience.Seal(_loop);
        List<Membership> members = audience.Members;
        for (int next = 0; next < members.Count;)
        {
            try
            {
                while (next < members.Count)
                {
                    ISessionOutlet outlet = members[next++].Outlet;
                    SharedBytes frame = frames.For(outlet, out int at);
                    if (atOnce) outlet.Connection.Send(frame, at);
                    else outlet.Connection.Write(frame, at);
                }
            }
            catch (Exception failure)
            {
                CutOff(members[next - 1], failure);
            }
        }

        frames.LetGo();
    }
}
