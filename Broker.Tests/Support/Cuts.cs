namespace Broker.Tests.Support;

/// <summary>Ways to cut bytes in parts. Parts may be empty only where a case says so.</summary>
internal static class Cuts
{
    /// <summary>Every way to cut in two.</summary>
    public static IEnumerable<byte[][]> InTwo(byte[] wire)
    {
        for (int cut = 1; cut < wire.Length; cut++) yield return At(wire, cut);
    }

    /// <summary>Every way to cut in three.</summary>
    public static IEnumerable<byte[][]> InThree(byte[] wire)
    {
        for (int first = 1; first < wire.Length - 1; first++)
        {
            for (int second = first + 1; second < wire.Length; second++) yield return At(wire, first, second);
        }
    }

    /// <summary>Parts of one byte each.</summary>
    public static byte[][] ByteByByte(byte[] wire) => [.. wire.Chunk(1)];

    /// <summary>Cut before each of the given positions, which rise.</summary>
    public static byte[][] At(byte[] wire, params IReadOnlyList<int> positions)
    {
        int[] bounds = [0, .. positions, wire.Length];
        return [.. bounds.Zip(bounds.Skip(1), (from, to) => wire[from..to])];
    }
}
