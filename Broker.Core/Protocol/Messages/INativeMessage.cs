namespace Broker.Core.Protocol.Messages;

/// <summary>One kind of message: its fields in their order, once for reading and once for writing.</summary>
/// <typeparam name="TSelf">The message itself. Its spans are borrowed from the payload that it was read from.</typeparam>
public interface INativeMessage<TSelf>
    where TSelf : INativeMessage<TSelf>, allows ref struct
{
    /// <summary>The first byte.</summary>
    static abstract NativeKind Kind { get; }

    /// <summary>Bytes behind the head.</summary>
    int BodyBytes { get; }

    /// <summary>Reads the fields. What is missing is 0 or empty, and <see cref="BodyReader.Fault"/> then says so.</summary>
    static abstract TSelf Read(scoped ref BodyReader body);

    /// <summary>Writes exactly <see cref="BodyBytes"/>.</summary>
    void Write(scoped ref BodyWriter body);
}
