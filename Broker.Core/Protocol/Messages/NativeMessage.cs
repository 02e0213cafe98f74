namespace Broker.Core.Protocol.Messages;

/// <summary>One message of a payload, judged: its body has the fields of its kind.</summary>
/// <remarks>Borrowed, as long as the payload is.</remarks>
public readonly ref struct NativeMessage
{
    internal NativeMessage(NativeKind kind, ReadOnlySpan<byte> body)
    {
        Kind = kind;
        Body = body;
    }

    /// <summary>What it is.</summary>
    public NativeKind Kind { get; }

    /// <summary>What stands behind the head.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>Bytes of the whole message.</summary>
    public int Bytes => NativeProtocol.HeadBytes + Body.Length;

    /// <summary>The fields. Can not fail, as the reader has looked at them.</summary>
    /// <exception cref="InvalidOperationException">The message is of another kind.</exception>
    public T As<T>()
        where T : INativeMessage<T>, allows ref struct
    {
        if (T.Kind != Kind) throw new InvalidOperationException($"A {Kind} was taken for a {T.Kind}.");
        var body = new BodyReader(Body, trusted: true);
        return T.Read(ref body);
    }
}
