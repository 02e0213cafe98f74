using System.Net;

namespace Broker.Reactor.Loops;

/// <summary>A connection whose first request is not for the hub: a plain HTTP request, given to the one that answers those.</summary>
/// <param name="Descriptor">The connected socket, non-blocking. The receiver owns it and closes it.</param>
/// <param name="Received">Bytes already read from the socket, in order; owned by the receiver.</param>
/// <param name="Remote">The peer's address, or that of the client behind it if a PROXY header told.</param>
/// <param name="Local">Our own address.</param>
public sealed record HandedOver(int Descriptor, ReadOnlyMemory<byte> Received, IPEndPoint Remote, IPEndPoint Local);
