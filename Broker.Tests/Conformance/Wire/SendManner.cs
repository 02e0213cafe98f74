namespace Broker.Tests.Conformance.Wire;

/// <summary>How the frames of one step reach the stream.</summary>
/// <param name="Kind">Whether, and where, the writer stops between two writes.</param>
/// <param name="ChopOctets">Octets of each write when chopped; otherwise 0.</param>
public readonly record struct SendManner(SendManner.Cutting Kind, int ChopOctets)
{
    /// <summary>All frames of the step in one write.</summary>
    public static SendManner Plain => new(Cutting.None, 0);

    /// <summary>Every frame in a write of its own, with other work admitted between two writes.</summary>
    public static SendManner PerFrame => new(Cutting.PerFrame, 0);

    /// <summary>So many octets a write, header and payload alike, with other work admitted between two writes.</summary>
    public static SendManner Chop(int octets) => new(Cutting.Chop, octets);

    /// <summary>Cuts encoded frames into the writes that this manner asks for.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Cut(IReadOnlyList<WireFrame> frames)
    {
        if (Kind == Cutting.None && frames.Count > 1)
        {
            var all = new MemoryStream();
            foreach (WireFrame frame in frames) all.Write(frame.Encode());
            yield return all.GetBuffer().AsMemory(0, (int)all.Length);
            yield break;
        }

        foreach (WireFrame frame in frames)
        {
            byte[] octets = frame.Encode();
            int step = Kind == Cutting.Chop ? ChopOctets : octets.Length;
            for (int start = 0; start < octets.Length; start += step)
            {
                yield return octets.AsMemory(start, Math.Min(step, octets.Length - start));
            }
        }
    }

    /// <summary>Where the writes are cut.</summary>
    public enum Cutting
    {
        /// <summary>Nowhere.</summary>
        None,

        /// <summary>Between frames.</summary>
        PerFrame,

        /// <summary>Every so many octets.</summary>
        Chop,
    }
}
