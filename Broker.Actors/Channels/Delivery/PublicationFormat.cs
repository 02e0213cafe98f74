namespace Broker.Actors.Channels.Delivery;

/// <summary>How the publications of a turn stand on the wire for a client: one batch for all who read the format.</summary>
/// <remarks>Stateless, and used by all loops at once.</remarks>
/// <param name="name">For people.</param>
/// <param name="encoding">How each publication becomes bytes.</param>
public abstract class PublicationFormat(string name, PublicationEncoding encoding)
{
    /// <summary>For people.</summary>
    public string Name { get; } = name;

    /// <summary>How each publication becomes bytes; formats may share one.</summary>
    public PublicationEncoding Encoding { get; } = encoding;

    /// <summary>Its place among the formats of the hub, from 0; -1 until it is registered.</summary>
    public int Slot { get; internal set; } = -1;

    /// <summary>Makes a batch, used again and again by one loop.</summary>
    public abstract PublicationBatch CreateBatch();

    /// <summary>
    /// Sends a publication that <see cref="PublicationEncoding.Encode"/> gave no bytes for, to one client. On its loop's thread.
    /// </summary>
    /// <param name="subscription">The client's.</param>
    /// <param name="publication">Held by the caller until the return; the one that needs the data longer holds it too.</param>
    /// <returns>False where the format cannot: the client is then told that its subscription has a gap.</returns>
    public virtual bool TryDeliverLong(Subscription subscription, LongPublication publication) => false;

    /// <inheritdoc />
    public override string ToString() => Name;
}
