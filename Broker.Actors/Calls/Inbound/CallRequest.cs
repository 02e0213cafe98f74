using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Inbound;

/// <summary>A client's call, before it has started.</summary>
/// <param name="Id">The client's number for the reply.</param>
/// <param name="Method">The number of its name.</param>
/// <param name="Arguments">Owned by the call.</param>
internal readonly record struct CallRequest(uint Id, MethodId Method, ReadOnlyMemory<byte> Arguments)
{
    /// <summary>The name, where the dialect carries it and the hub has no such method.</summary>
    internal string? Name { get; init; }

    /// <summary>How long the client will wait; zero where it does not say.</summary>
    internal TimeSpan Deadline { get; init; }

    /// <summary>Where long arguments count until the call has ended; then disposed of.</summary>
    internal IDisposable? Reservation { get; init; }

    /// <summary>Whether items may follow, in either direction.</summary>
    internal CallWindows Windows { get; init; }
}
