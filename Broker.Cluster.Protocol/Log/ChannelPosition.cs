namespace Broker.Cluster.Protocol.Log;

/// <summary>A place in a channel's publications.</summary>
/// <param name="Epoch">Another one whenever offsets begin again; 0 for none.</param>
/// <param name="Offset">Of a publication, from 1; 0 is before the first.</param>
public readonly record struct ChannelPosition(ulong Epoch, ulong Offset)
{
    /// <summary>The epoch and the offset.</summary>
    public override string ToString() => $"{Epoch:x}/{Offset}";
}
