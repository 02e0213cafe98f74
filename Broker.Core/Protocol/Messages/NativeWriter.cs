using System.Buffers;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Protocol.Messages;

/// <summary>
/// Writes messages: many into one buffer as an instance, one alone by its static methods. Only <see cref="Message"/> allocates.
/// </summary>
/// <param name="target">Room for the messages; borrowed.</param>
public ref struct NativeWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes written so far; whole messages only.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes of a whole message.</summary>
    public static int SizeOf<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct => NativeProtocol.HeadBytes + message.BodyBytes;

    /// <summary>A message in an array of its own.</summary>
    public static byte[] Message<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(SizeOf(message));
        WriteWhole(bytes, message);
        return bytes;
    }

    /// <summary>All of a message but its data, which is its last field and is sent behind by the one that has it.</summary>
    /// <param name="message">The message, with no data in it.</param>
    /// <param name="dataBytes">Bytes of the data.</param>
    /// <exception cref="OverflowException">A message can not be as long as that.</exception>
    public static byte[] Head<T>(scoped in T message, long dataBytes)
        where T : INativeMessage<T>, allows ref struct
    {
        byte[] head = Message(message);
        WriteUInt32LittleEndian(head.AsSpan(1), checked((uint)(message.BodyBytes + dataBytes)));
        return head;
    }

    /// <summary>Writes a message behind whatever the target has.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write<T>(IBufferWriter<byte> target, scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        int size = SizeOf(message);
        WriteWhole(target.GetSpan(size)[..size], message);
        target.Advance(size);
        return size;
    }

    /// <summary>Writes one message behind those already written.</summary>
    /// <returns>False when it does not fit as a whole; then nothing is written.</returns>
    public bool TryWrite<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        int size = SizeOf(message);
        if (_target.Length - Position < size) return false;
        WriteWhole(_target.Slice(Position, size), message);
        Position += size;
        return true;
    }

    private static void WriteWhole<T>(Span<byte> target, scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        BodyWriter body = BodyOf<T>(target);
        message.Write(ref body);
    }

    /// <summary>Writes the head of a message that fills the target, and gives the room for its body.</summary>
    internal static BodyWriter BodyOf<T>(Span<byte> target)
        where T : INativeMessage<T>, allows ref struct
    {
        target[0] = (byte)T.Kind;
        WriteUInt32LittleEndian(target[1..], (uint)(target.Length - NativeProtocol.HeadBytes));
        return new BodyWriter(target[NativeProtocol.HeadBytes..]);
    }
}
