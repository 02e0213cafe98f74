namespace Broker.Fuzz;

/// <summary>Runs one input; whatever it throws is a finding.</summary>
/// <param name="input">Anything at all.</param>
public delegate void FuzzTarget(byte[] input);

/// <summary>What can be fuzzed.</summary>
public static class Targets
{
    /// <summary>Each target by the name that <c>./fuzz</c> takes; a folder of Corpora is named the same.</summary>
    public static IReadOnlyDictionary<string, FuzzTarget> ByName { get; } = new SortedDictionary<string, FuzzTarget>(StringComparer.Ordinal)
    {
        ["commands"] = CommandTarget.Run,
        ["frames"] = FrameTarget.Run,
        ["handshake"] = HandshakeTarget.Run,
        ["inflate"] = InflateTarget.Run,
        ["protobuf"] = ProtobufTarget.Run,
        ["streams"] = StreamTarget.Run,
    };
}

/// <summary>Something that must never be, whatever the input.</summary>
public sealed class FindingException(string message) : Exception(message)
{
    /// <summary>Throws unless it holds.</summary>
    public static void Unless(bool holds, string message)
    {
        if (!holds) throw new FindingException(message);
    }
}
