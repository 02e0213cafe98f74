using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Cases;

/// <summary>One thing that the client does in a case.</summary>
public abstract record CaseStep
{
    private CaseStep()
    {
    }

    /// <summary>Writes whole frames.</summary>
    public sealed record Send(IReadOnlyList<WireFrame> Frames, SendManner Manner) : CaseStep;

    /// <summary>Writes octets that are part of a frame.</summary>
    public sealed record SendOctets(ReadOnlyMemory<byte> Octets) : CaseStep;

    /// <summary>Writes nothing for a time, unless the server ends the connection.</summary>
    /// <param name="Time">How long.</param>
    /// <param name="EndIs">The behaviour, in a case judged by its pauses, if the server fails the connection in this one.</param>
    public sealed record Pause(TimeSpan Time, Behaviour EndIs) : CaseStep;

    /// <summary>Sends messages one at a time, each after the echo of the one before, compressed if that was agreed.</summary>
    /// <param name="Kind">Text or binary.</param>
    /// <param name="Messages">How many, at full scale.</param>
    /// <param name="MessageAt">The message of an index.</param>
    /// <param name="FragmentSize">The octets of a full fragment; 0 never fragments.</param>
    public sealed record Exchange(ReceivedKind Kind, int Messages, Func<int, Octets> MessageAt, int FragmentSize = 0) : CaseStep;

    /// <summary>All frames in one write.</summary>
    public static CaseStep Plain(params WireFrame[] frames) => new Send(frames, SendManner.Plain);

    /// <summary>Each frame in a write of its own.</summary>
    public static CaseStep PerFrame(params WireFrame[] frames) => new Send(frames, SendManner.PerFrame);

    /// <summary>So many octets a write.</summary>
    public static CaseStep Chop(int octets, params WireFrame[] frames) => new Send(frames, SendManner.Chop(octets));
}
