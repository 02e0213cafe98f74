using Broker.Core.Buffers;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Channels.Delivery;

/// <summary>
/// The publications of a turn for all subscribers of one channel on one loop that read one format. Empty between two uses.
/// </summary>
/// <remarks>For one loop's thread. Appended to, sealed, sent to each subscriber, released.</remarks>
public abstract class PublicationBatch
{
    /// <summary>Bytes of the publications so far.</summary>
    public abstract int Length { get; }

    /// <summary>
    /// WebSocket messages that the batch is for each subscriber; only between <see cref="Seal"/> and <see cref="Release"/>.
    /// </summary>
    public virtual int Payloads => 1;

    /// <summary>Publications so far.</summary>
    public int Publications { get; private set; }

    /// <summary>Whether a publication may join those before it.</summary>
    /// <param name="bytes">Of the publication.</param>
    /// <param name="bytesMax">The bound of a batch.</param>
    public virtual bool HasRoomFor(int bytes, int bytesMax) => true;

    /// <summary>Adds a publication.</summary>
    public void Append(ReadOnlySpan<byte> encoded, BufferPool pool)
    {
        Publications++;
        OnAppend(encoded, pool);
    }

    /// <summary>Ends the batch: nothing more is appended.</summary>
    public abstract void Seal(EventLoop loop);

    /// <summary>Sends the sealed batch to one subscriber.</summary>
    /// <param name="subscription">The subscriber's; a format may write something of its own before the shared bytes.</param>
    /// <param name="atOnce">Whether it leaves now; otherwise it leaves with what the turn still writes to the connection.</param>
    public abstract void SendTo(Subscription subscription, bool atOnce);

    /// <summary>Returns the bytes; the batch is empty.</summary>
    public void Release()
    {
        Publications = 0;
        OnRelease();
    }

    /// <summary>Adds a publication to the bytes.</summary>
    protected abstract void OnAppend(ReadOnlySpan<byte> encoded, BufferPool pool);

    /// <summary>Returns the bytes.</summary>
    protected abstract void OnRelease();
}
