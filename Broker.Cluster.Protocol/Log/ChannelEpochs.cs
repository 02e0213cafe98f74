using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Log;

/// <summary>Gives channels their epochs.</summary>
/// <remarks>
/// A channel that has no publication yet has a position already, the same at every replica, and no entry is needed for it. Offsets begin
/// again when a log is lost (another lineage) or a channel is dropped (another generation), and each of them changes the epoch of every
/// channel that is not there.
/// </remarks>
public static class ChannelEpochs
{
    /// <summary>The epoch of a channel that begins in this lineage and generation; never 0.</summary>
    public static ulong Of(Term lineage, ulong generation)
    {
        ulong mixed =
            (lineage.Member.Value * 0x9E3779B97F4A7C15) ^ (lineage.Number * 0xC2B2AE3D27D4EB4F) ^ (generation * 0x165667B19E3779F9);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        mixed ^= mixed >> 31;
        return mixed == 0 ? 1 : mixed;
    }
}
