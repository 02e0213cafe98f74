using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Cases;

/// <summary>The words of the case tables: expected events and limits.</summary>
public static class Expect
{
    /// <summary>A text message.</summary>
    public static Expected TextOf(string text) => TextOf(Octets.OfText(text));

    /// <inheritdoc cref="TextOf(string)"/>
    public static Expected TextOf(Octets payload) => new(ReceivedKind.Text, payload);

    /// <summary>A binary message.</summary>
    public static Expected BinaryOf(Octets payload) => new(ReceivedKind.Binary, payload);

    /// <summary>A pong.</summary>
    public static Expected PongOf(string text) => PongOf(Octets.OfText(text));

    /// <inheritdoc cref="PongOf(string)"/>
    public static Expected PongOf(Octets payload) => new(ReceivedKind.Pong, payload);

    /// <summary>A limit in seconds.</summary>
    public static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
