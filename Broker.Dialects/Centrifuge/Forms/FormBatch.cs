using Broker.Actors.Channels.Delivery;
using Broker.Core.Buffers;
using Broker.Reactor.Loops;

namespace Broker.Dialects.Centrifuge.Forms;

/// <summary>The publications of a turn in a form without joined frames: one sequence of bytes for all, never compressed.</summary>
/// <param name="form">How they stand in the bytes.</param>
internal sealed class FormBatch(ReplyForm form) : PublicationBatch
{
    private ReplyBatch _pushes = new(form);
    private SharedBytes? _sealed;
    private int _start;

    /// <inheritdoc />
    public override int Length => _pushes.Length;

    /// <inheritdoc />
    public override int Payloads => form.Framing == ReplyFraming.Single ? Publications : 1;

    /// <inheritdoc />
    public override void Seal(EventLoop loop) => _sealed = _pushes.Seal(out _start);

    /// <inheritdoc />
    public override void SendTo(Subscription subscription, bool atOnce)
    {
        Connection connection = subscription.Subscriber.Connection;
        if (atOnce) connection.Send(_sealed!, _start);
        else connection.Write(_sealed!, _start);
    }

    /// <inheritdoc />
    protected override void OnAppend(ReadOnlySpan<byte> encoded, BufferPool pool) => _pushes.Append(encoded, pool);

    /// <inheritdoc />
    protected override void OnRelease()
    {
        _sealed?.Release();
        _sealed = null;
    }
}
