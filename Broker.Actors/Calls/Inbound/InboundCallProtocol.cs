using Broker.Actors.Runtime;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Calls.Inbound;

/// <summary>Messages that a client's running calls send to its session.</summary>
public static class InboundCallProtocol
{
    /// <summary>Call to session: its handler has returned, the caller that waits.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Code">Why it failed, or none.</param>
    /// <param name="Result">What it came to.</param>
    /// <param name="Text">With a code: for people.</param>
    public sealed record CallReturned(RunningCall Call, FaultCode Code, ReadOnlyMemory<byte> Result, string Text) : IMayArriveLate;

    /// <summary>Call to session: its handler sends one of several results.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Item">The result; not to be changed.</param>
    public sealed record CallItemSent(RunningCall Call, ReadOnlyMemory<byte> Item) : IMayArriveLate
    {
        /// <summary>What the result is copied from in the place of <see cref="Item"/>; the session disposes of it.</summary>
        public IChunkSource? Source { get; init; }

        /// <summary>Bytes of the result.</summary>
        internal int Bytes => Source is null ? Item.Length : (int)Source.Bytes;
    }

    /// <summary>Call to session: its handler has read further arguments.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Items">How many.</param>
    /// <param name="Bytes">Their bytes.</param>
    public sealed record CallItemsRead(RunningCall Call, int Items, int Bytes) : IMayArriveLate;

    /// <summary>Calls to session: their handlers have returned, one soon after the other.</summary>
    public sealed record CallsReturned(IReadOnlyList<CallReturned> InOrder) : IMayArriveLate;
}
