using System.Buffers;
using Broker.Core.Framing;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Protocol.Messages;

/// <summary>Reads the messages of one binary frame, one at a time. Copies nothing, allocates nothing.</summary>
/// <remarks>
/// Lazy: a message is not looked at before it is asked for, so those before a bad one take effect first, as if each had
/// come in a frame of its own. No length is believed before its bytes are there.
/// </remarks>
public ref struct NativeReader
{
    private readonly Side _receiver;
    private readonly int _messagesMax;
    private readonly bool _batched;
    private ReadOnlySpan<byte> _rest;

    /// <summary>Starts before the first message.</summary>
    /// <param name="messages">The payload of a frame; of a server's, without the compression byte. Borrowed.</param>
    /// <param name="receiver">The side that reads: there are kinds that it is never sent.</param>
    /// <param name="batched">Whether <c>v3.broker</c> was agreed on, and not <c>v2.broker</c>.</param>
    /// <param name="frameBytesMax">The longest payload.</param>
    /// <param name="messagesMax">Most messages of one frame.</param>
    public NativeReader(
        ReadOnlySpan<byte> messages,
        Side receiver,
        bool batched,
        int frameBytesMax = int.MaxValue,
        int messagesMax = NativeProtocol.MessagesPerFrameMax)
    {
        _rest = messages;
        _receiver = receiver;
        _batched = batched;
        _messagesMax = messagesMax;
        if (messages.IsEmpty) Fault = NativeFault.EmptyPayload;
        else if (messages.Length > frameBytesMax) Fault = NativeFault.PayloadTooBig;
    }

    /// <summary>Which message was read last, from 0; -1 before the first. After a fault, the one that is wrong.</summary>
    public int Index { get; private set; } = -1;

    /// <summary>What is wrong, after <c>InvalidData</c>; then it stays so.</summary>
    public NativeFault Fault { get; private set; }

    /// <summary>Reads the next message.</summary>
    /// <param name="message">The message, valid as long as the payload is; <c>default</c> on any answer but <c>Done</c>.</param>
    /// <returns>
    /// <c>Done</c>: one message was read, and <see cref="NativeMessage.As{T}"/> of its kind can not fail.
    /// <c>NeedMoreData</c>: the payload holds no more messages, and held at least one.
    /// <c>InvalidData</c>: close with <see cref="Fault"/>'s code; the message at <see cref="Index"/> is the first that is wrong.
    /// </returns>
    public OperationStatus Read(out NativeMessage message)
    {
        message = default;
        if (Fault != NativeFault.None) return Refuse(Fault);
        if (_rest.IsEmpty) return OperationStatus.NeedMoreData;
        Index++;
        if (Index > 0 && !_batched) return Refuse(NativeFault.NotBatched);
        if (Index >= _messagesMax) return Refuse(NativeFault.TooManyMessages);

        var kind = (NativeKind)_rest[0];
        if (!kind.IsKnown) return Refuse(NativeFault.UnknownKind);
        if (_rest.Length < NativeProtocol.HeadBytes) return Refuse(NativeFault.Truncated);
        uint length = ReadUInt32LittleEndian(_rest[1..]);
        if (length > (uint)(_rest.Length - NativeProtocol.HeadBytes)) return Refuse(NativeFault.Truncated);
        if (!kind.MayReach(_receiver)) return Refuse(NativeFault.WrongSide);

        ReadOnlySpan<byte> body = _rest.Slice(NativeProtocol.HeadBytes, (int)length);
        NativeFault fault = Judge(kind, body);
        if (fault != NativeFault.None) return Refuse(fault);

        _rest = _rest[(NativeProtocol.HeadBytes + (int)length)..];
        message = new NativeMessage(kind, body);
        return OperationStatus.Done;
    }

    /// <summary>Reads a message that came as a stream and lies in several buffers, by the first of them.</summary>
    /// <param name="first">The first bytes, with all fields but the end of the last. Borrowed.</param>
    /// <param name="bytes">Bytes of the whole message.</param>
    /// <param name="receiver">The side that reads.</param>
    /// <param name="message">The message; its last field, which is its data, ends where <paramref name="first"/> ends.</param>
    /// <returns>What is wrong, or none. A stream holds exactly one message, and none about streams.</returns>
    public static NativeFault ReadLong(ReadOnlySpan<byte> first, long bytes, Side receiver, out NativeMessage message)
    {
        message = default;
        if (bytes == 0) return NativeFault.EmptyPayload;
        var kind = (NativeKind)(first.IsEmpty ? 0 : first[0]);
        if (!kind.IsKnown) return NativeFault.UnknownKind;
        if (first.Length < NativeProtocol.HeadBytes) return NativeFault.Truncated;
        if (!kind.MayReach(receiver)) return NativeFault.WrongSide;

        long length = ReadUInt32LittleEndian(first[1..]);
        if (length > bytes - NativeProtocol.HeadBytes) return NativeFault.Truncated;
        if (length < bytes - NativeProtocol.HeadBytes) return NativeFault.NotBatched;

        // Only what ends in data can be this long; a text is judged as a whole, so it has to be in one buffer.
        bool cut = first.Length < bytes;
        bool endsInData = kind is NativeKind.Publish or NativeKind.Delivery or NativeKind.Call or NativeKind.Result or NativeKind.Item;
        if ((cut && !endsInData) || kind is NativeKind.Hello or >= NativeKind.Stream) return NativeFault.Malformed;

        ReadOnlySpan<byte> body = first[NativeProtocol.HeadBytes..];
        NativeFault fault = Judge(kind, body);
        if (fault == NativeFault.None) message = new NativeMessage(kind, body);
        return fault;
    }

    private OperationStatus Refuse(NativeFault fault)
    {
        Fault = fault;
        if (Index < 0) Index = 0;
        return OperationStatus.InvalidData;
    }

    private static NativeFault Judge(NativeKind kind, ReadOnlySpan<byte> body) => kind switch
    {
        NativeKind.Hello => Judge<Hello>(body),
        NativeKind.Welcome => Judge<Welcome>(body),
        NativeKind.Ping => Judge<Ping>(body),
        NativeKind.Pong => Judge<Pong>(body),
        NativeKind.Error => Judge<NativeError>(body),
        NativeKind.Bye => Judge<Bye>(body),
        NativeKind.Subscribe => Judge<Subscribe>(body),
        NativeKind.Subscribed => Judge<Subscribed>(body),
        NativeKind.Unsubscribe => Judge<Unsubscribe>(body),
        NativeKind.Unsubscribed => Judge<Unsubscribed>(body),
        NativeKind.Publish => Judge<Publish>(body),
        NativeKind.Published => Judge<Published>(body),
        NativeKind.Delivery => Judge<Delivery>(body),
        NativeKind.Missed => Judge<Missed>(body),
        NativeKind.History => Judge<HistoryRequest>(body),
        NativeKind.HistoryReply => Judge<HistoryReply>(body),
        NativeKind.Presence => Judge<PresenceRequest>(body),
        NativeKind.PresenceReply => Judge<PresenceReply>(body),
        NativeKind.Joined => Judge<Joined>(body),
        NativeKind.Left => Judge<Left>(body),
        NativeKind.Call => Judge<Call>(body),
        NativeKind.Result => Judge<CallResult>(body),
        NativeKind.Fault => Judge<CallFault>(body),
        NativeKind.Cancel => Judge<CallCancel>(body),
        NativeKind.Item => Judge<CallItem>(body),
        NativeKind.ItemsEnd => Judge<CallItemsEnd>(body),
        NativeKind.Stream => Judge<StreamHeader>(body),
        NativeKind.Chunk => Judge<Chunk>(body),
        NativeKind.Credit => Judge<Credit>(body),
        NativeKind.StreamCancel => Judge<StreamCancel>(body),
        _ => NativeFault.UnknownKind,
    };

    private static NativeFault Judge<T>(ReadOnlySpan<byte> body)
        where T : INativeMessage<T>, allows ref struct
    {
        var reader = new BodyReader(body);
        T.Read(ref reader);
        return reader.End();
    }
}
