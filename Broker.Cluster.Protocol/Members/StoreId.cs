namespace Broker.Cluster.Protocol.Members;

/// <summary>
/// A node's replica store. It keeps its id as long as it keeps its contents: over the end of the node's subscription when the store is in
/// memory, over a restart of the process when it is on disk. A store that starts empty has a new id.
/// </summary>
/// <param name="Value">Random; 0 for a member whose store is not known yet.</param>
public readonly record struct StoreId(ulong Value)
{
    /// <summary>Hexadecimal, as logs and the register show it.</summary>
    public override string ToString() => Value.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
}
