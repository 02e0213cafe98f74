using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;

namespace Broker.Actors.Calls.Inbound;

/// <summary>What the calls of all sessions share.</summary>
/// <param name="Methods">What can be called.</param>
/// <param name="Settings">Bounds.</param>
/// <param name="Time">The clock of their deadlines.</param>
public sealed record CallContext(MethodRegistry Methods, CallSettings Settings, TimeProvider Time)
{
    /// <summary>Clients that the hub can call.</summary>
    public ClientCalls Clients { get; init; } = new(Settings, Time);

    /// <summary>Bytes of several results that one client's calls may have under way to it: well below what may wait for a client.</summary>
    public int ItemBytesMax { get; init; } = 512 * 1024;
}
