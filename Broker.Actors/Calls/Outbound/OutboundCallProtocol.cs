using Broker.Actors.Runtime;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Outbound;

/// <summary>Messages that the hub's calls to a client send to the client's session.</summary>
public static class OutboundCallProtocol
{
    /// <summary>Application to session: call a method of the client.</summary>
    /// <param name="Id">The hub's number for the answer.</param>
    /// <param name="Method">The number of its name.</param>
    /// <param name="Deadline">How long the application waits.</param>
    /// <param name="Arguments">Not to be changed.</param>
    /// <param name="Options">Whether further arguments follow.</param>
    public sealed record CallClient(uint Id, MethodId Method, TimeSpan Deadline, ReadOnlyMemory<byte> Arguments, CallOptions Options)
        : IMayArriveLate;

    /// <summary>Application to session: a further argument of a call to the client, which has credit and room.</summary>
    /// <param name="Id">The hub's number.</param>
    /// <param name="Item">Not to be changed.</param>
    public sealed record SendItemToClient(uint Id, ReadOnlyMemory<byte> Item) : IMayArriveLate;

    /// <summary>Application to session: the last argument of a call to the client has been sent.</summary>
    public sealed record EndItemsToClient(uint Id) : IMayArriveLate;

    /// <summary>Application to session: results of a call to the client were read, and it may send as many more.</summary>
    public sealed record GrantClientItems(uint Id, int Items) : IMayArriveLate;

    /// <summary>Application to session: no caller waits for the client's answer any more.</summary>
    public sealed record CancelClientCall(uint Id) : IMayArriveLate;
}
