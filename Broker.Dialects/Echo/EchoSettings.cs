namespace Broker.Dialects.Echo;

/// <summary>The echo endpoint.</summary>
public sealed record EchoSettings
{
    /// <summary>Whether the path answers at all.</summary>
    public bool Enabled { get; init; }

    /// <summary>The path that clients connect to.</summary>
    public string Path { get; init; } = "/echo";

    /// <summary>The longest message.</summary>
    public int MessageBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>The most frames that one message may come in.</summary>
    public int FragmentsMax { get; init; } = 1024 * 1024;
}
