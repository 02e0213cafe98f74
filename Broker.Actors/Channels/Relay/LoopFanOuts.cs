using Akka.Actor;
using Broker.Actors.Channels.Delivery;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>The fan-outs of a node's loops, as one relay sends to them, and the account of bytes that they have not sent yet.</summary>
/// <remarks>For the thread of the relay.</remarks>
internal sealed class LoopFanOuts
{
    private readonly IReadOnlyList<IActorRef> _fanOuts;
    private readonly long[] _pending;       // Bytes of publications that each loop has not sent yet.

    /// <summary>Makes the account of one relay.</summary>
    /// <param name="home">The home's number, and the actor that the relay runs in.</param>
    /// <param name="fanOuts">One for each loop.</param>
    /// <param name="formats">The formats of the hub.</param>
    internal LoopFanOuts(HomeRef home, IReadOnlyList<IActorRef> fanOuts, PublicationFormats formats)
    {
        Home = home;
        Formats = formats;
        _fanOuts = fanOuts;
        _pending = new long[fanOuts.Count];
    }

    /// <summary>The home's number, and the actor that the relay runs in.</summary>
    internal HomeRef Home { get; }

    /// <summary>The formats of the hub.</summary>
    internal PublicationFormats Formats { get; }

    /// <summary>How many loops the node has.</summary>
    internal int Count => _fanOuts.Count;

    /// <summary>A publication for the subscriptions of a loop.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="deliver">The publication.</param>
    /// <param name="bytes">What it counts, until the loop has sent it.</param>
    internal void Send(int loop, Deliver deliver, int bytes)
    {
        _pending[loop] += bytes;
        _fanOuts[loop].Tell(deliver, ActorRefs.NoSender);
    }

    /// <summary>A message for a loop, behind what was sent to it before.</summary>
    internal void Send(int loop, object message) => _fanOuts[loop].Tell(message, ActorRefs.NoSender);

    /// <summary>A loop has sent bytes. What was delivered before a restart is sent after it, and was never counted here.</summary>
    internal void OnSent(Sent sent) => _pending[sent.Loop] = Math.Max(0, _pending[sent.Loop] - sent.Bytes);

    /// <summary>Whether a loop has more to send than this.</summary>
    internal bool HasMoreThan(long bytes)
    {
        foreach (long pending in _pending)
        {
            if (pending > bytes) return true;
        }

        return false;
    }
}
