using Broker.Actors.Calls.Inbound;
using Broker.Actors.Model;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Calls.Methods;

/// <summary>Answers one call. See <see cref="MethodRegistry"/> for what it may rely on.</summary>
/// <param name="call">What is called.</param>
/// <param name="cancellationToken">Cancelled when no caller waits for the answer any more.</param>
/// <returns>The result; not to be changed afterwards.</returns>
public delegate ValueTask<ReadOnlyMemory<byte>> MethodHandler(MethodCall call, CancellationToken cancellationToken);

/// <summary>One call, as its handler sees it.</summary>
/// <param name="Method">The name that it was called by.</param>
/// <param name="Arguments">As the caller sent them; the handler's to keep.</param>
/// <param name="Caller">Who calls.</param>
public sealed record MethodCall(string Method, ReadOnlyMemory<byte> Arguments, Principal Caller)
{
    /// <summary>
    /// The further arguments, in their order, as they come; none if the caller says none. To be read once. The caller is held
    /// back while they are not read, so that few are ever in memory; reading ends with an exception when the call is over.
    /// </summary>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> Items => Running?.ReadItemsAsync() ?? AsyncEnumerable.Empty<ReadOnlyMemory<byte>>();

    internal IRunningCall? Running { get; set; }

    /// <summary>
    /// Sends one of several results, before the one that the handler returns. Waits while the caller has not taken those before.
    /// </summary>
    /// <param name="item">Not to be changed afterwards; no longer than a message to the caller may be.</param>
    /// <exception cref="Core.Protocol.Calls.CallFaultException">The caller's dialect has one result a call.</exception>
    /// <exception cref="OperationCanceledException">The call is over.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> item) => (Running ?? throw NotRunning()).SendAsync(item);

    /// <summary>The same for bytes that are somewhere already: they are copied once, straight into the frame.</summary>
    /// <param name="item">
    /// The hub's from now on, which disposes of it, whatever happens; no longer than a message to the caller may be.
    /// </param>
    /// <param name="cancellationToken">Stops waiting; the call goes on.</param>
    /// <exception cref="Core.Protocol.Calls.CallFaultException">The caller's dialect has one result a call.</exception>
    /// <exception cref="OperationCanceledException">The call is over.</exception>
    public ValueTask SendAsync(IChunkSource item, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(item);
        return (Running ?? throw NotRunning()).SendAsync(item, cancellationToken);
    }

    /// <summary>Gives a result that is somewhere already: it is copied once, straight into the frame.</summary>
    /// <param name="result">The hub's from now on, which disposes of it, whatever happens.</param>
    /// <returns>What the handler returns in its place.</returns>
    public ReadOnlyMemory<byte> Return(IChunkSource result)
    {
        (Running ?? throw NotRunning()).Give(result);
        return default;
    }

    private static InvalidOperationException NotRunning() => new("The call does not run.");
}
