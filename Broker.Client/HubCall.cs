namespace Broker.Client;

/// <summary>One call of the hub, as the method that answers it sees it.</summary>
public sealed class HubCall
{
    private readonly InboundCall _call;
    private readonly Func<InboundCall, ReadOnlyMemory<byte>, CancellationToken, ValueTask> _send;

    internal HubCall(
        InboundCall call, string method, ReadOnlyMemory<byte> arguments, int itemBytesMax, Func<InboundCall, ReadOnlyMemory<byte>,
            CancellationToken, ValueTask> send)
    {
        _call = call;
        _send = send;
        ItemBytesMax = itemBytesMax;
        Method = method;
        Arguments = arguments;
    }

    /// <summary>The name that it was called by.</summary>
    public string Method { get; }

    /// <summary>As the hub sent them; the method's to keep.</summary>
    public ReadOnlyMemory<byte> Arguments { get; }

    /// <summary>
    /// The further arguments, in order, as they arrive; empty if the hub sends none. To be read once. The hub is held back
    /// while they are not read, so that few are ever in memory; reading ends with an exception when the call is over.
    /// </summary>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> Items =>
        _call.Items?.ReadAsync(_call.Over) ?? AsyncEnumerable.Empty<ReadOnlyMemory<byte>>();

    /// <summary>The longest item that the hub accepts, in bytes.</summary>
    public int ItemBytesMax { get; }

    /// <summary>
    /// Sends one of several results, before the one that the method returns. Waits while the hub has not taken those before, and while
    /// there is no room to send.
    /// </summary>
    /// <param name="item">Any bytes that fit a frame; copied.</param>
    /// <param name="cancellationToken">Stops waiting; nothing was sent, and the call goes on.</param>
    /// <exception cref="OperationCanceledException">The call is over.</exception>
    /// <exception cref="PayloadTooLargeException">It is longer than a frame. Nothing was sent.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> item, CancellationToken cancellationToken = default) =>
        _send(_call, item, cancellationToken);
}
