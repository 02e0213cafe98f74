using Broker.Actors.Sessions;

namespace Broker.Actors.Rpc;

/// <summary>Answers one call. See <see cref="Methods"/> for what it may rely on.</summary>
/// <param name="call">What is called.</param>
/// <param name="cancel">Cancelled when nobody waits for the answer any more.</param>
/// <returns>The result; not to be changed afterwards.</returns>
public delegate ValueTask<ReadOnlyMemory<byte>> MethodHandler(MethodCall call, CancellationToken cancel);

/// <summary>One call, as its handler sees it.</summary>
/// <param name="Method">The name that it was called by.</param>
/// <param name="Arguments">As the caller sent them; the handler's to keep.</param>
/// <param name="Caller">Who calls.</param>
public sealed record MethodCall(string Method, ReadOnlyMemory<byte> Arguments, Principal Caller);
