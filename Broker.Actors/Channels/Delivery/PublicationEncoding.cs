using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Delivery;

/// <summary>
/// How a publication becomes bytes. It is encoded once for all subscribers of a node, whatever formats share the encoding.
/// </summary>
/// <remarks>Stateless, and used by all loops at once.</remarks>
public abstract class PublicationEncoding
{
    /// <summary>Its place among the encodings of the hub, from 0; -1 until it is registered.</summary>
    public int Slot { get; internal set; } = -1;

    /// <summary>
    /// What the encoding keeps for a channel, such as its name as it stands on the wire. Made with the first publication.
    /// </summary>
    public virtual object? Prepare(string channel) => null;

    /// <summary>Whether it can send the difference from the publication before.</summary>
    public virtual bool HasDeltas => false;

    /// <summary>Encodes a publication for subscribers of differences.</summary>
    /// <param name="channel">The channel, with what <see cref="Prepare"/> made for it.</param>
    /// <param name="publication">The publication, with its offset. Its data is one piece.</param>
    /// <param name="delta">The difference from the data before; empty to send the data as a whole.</param>
    /// <returns>The bytes, shared by all and changed by no one.</returns>
    public virtual byte[]? EncodeDelta(in EncodedChannel channel, in Publication publication, ReadOnlySpan<byte> delta) => null;

    /// <summary>Whether differences have to be cut between characters of UTF-8.</summary>
    public virtual bool AlignsDeltas => false;

    /// <summary>Whether only subscribers that ask for it are sent joins and leaves, also where all of the namespace are.</summary>
    public virtual bool AsksForJoinLeave => false;

    /// <summary>Encodes that a client has joined the channel, or left it.</summary>
    /// <returns>The bytes, or null where the format does not tell it.</returns>
    public virtual byte[]? EncodePresence(in EncodedChannel channel, in PresenceChange change) => null;

    /// <summary>Encodes a publication.</summary>
    /// <param name="channel">The channel, with what <see cref="Prepare"/> made for it.</param>
    /// <param name="publication">The publication, with its offset.</param>
    /// <returns>
    /// The bytes, shared by all and changed by no one; or null, where long data goes to each client by itself or not at all.
    /// </returns>
    public abstract byte[]? Encode(in EncodedChannel channel, in Publication publication);
}

/// <summary>A channel as an encoding sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Number">Its number on this node.</param>
/// <param name="Prepared">What <see cref="PublicationEncoding.Prepare"/> made.</param>
public readonly record struct EncodedChannel(string Name, uint Number, object? Prepared)
{
    /// <summary>The epoch of the channel's history; 0 where it keeps none, and offsets say nothing to clients that come back.</summary>
    public ulong Epoch { get; init; }
}
