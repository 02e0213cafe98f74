namespace Broker.Bench.Load;

/// <summary>
/// How the generator talks to a kind of server. Frames are the generator's templates: <c>%t</c> is the topic's number,
/// <c>%d</c> the connection's, <c>{TS}</c> sixteen digits of time and <c>{PAD:n}</c> n bytes of padding.
/// </summary>
/// <param name="Name">What <c>--peer NAME:DIALECT=COMMAND</c> calls it.</param>
/// <param name="IdlePath">Where a connection that says nothing connects to.</param>
internal sealed record Dialect(string Name, string IdlePath)
{
    /// <summary>What each publication's data begins with; it occurs once in a publication and in nothing else.</summary>
    public const string DataMark = "TS:";

    private const int TimeBytes = 16;

    /// <summary>Where binary messages come back as they are; none when the server does not echo.</summary>
    public string? EchoPath { get; init; }

    /// <summary>What is published, given its data; none when the server does not fan out.</summary>
    public Func<string, int, string>? Publication { get; init; }

    /// <summary>The most subscribers of one topic that servers of the dialect are asked to serve.</summary>
    public int SubscribersMax { get; init; } = int.MaxValue;

    public string SubscriberPath { get; init; } = "/";

    public string PublisherPath { get; init; } = "/";

    public string? Subprotocol { get; init; }

    /// <summary>Whether hub frames go as text; echo is binary everywhere.</summary>
    public bool Text { get; init; }

    /// <summary>What a new subscriber says, each after an answer to the one before.</summary>
    public IReadOnlyList<string> SubscriberFrames { get; init; } = [];

    /// <summary>What a new publisher says, each after an answer to the one before.</summary>
    public IReadOnlyList<string> PublisherFrames { get; init; } = [];

    public bool Echoes => EchoPath is not null;

    public bool FansOut => Publication is not null;

    /// <summary>One frame that publishes <paramref name="dataBytes"/> bytes of data: the same bytes for every server.</summary>
    public string Publish(int dataBytes)
    {
        string data = $"{DataMark}{{TS}}{{PAD:{dataBytes - DataMark.Length - TimeBytes}}}";
        return Publication!(data, dataBytes);
    }
}
