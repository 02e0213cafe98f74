using Broker.Core.Framing;

namespace Broker.Core.Protocol;

/// <summary>The first byte of a message: what it is.</summary>
public enum NativeKind : byte
{
    /// <summary>None: no message begins with a zero byte.</summary>
    None = 0x00,

    /// <summary>Client: the first message of every connection.</summary>
    Hello = 0x01,

    /// <summary>Server: the answer, with its limits.</summary>
    Welcome = 0x02,

    /// <summary>Either: are you there?</summary>
    Ping = 0x03,

    /// <summary>Either: yes.</summary>
    Pong = 0x04,

    /// <summary>Either: something that was sent is refused.</summary>
    Error = 0x05,

    /// <summary>Either: the connection ends after this.</summary>
    Bye = 0x06,

    /// <summary>Client: listen to a channel.</summary>
    Subscribe = 0x10,

    /// <summary>Server: it listens now, and this is the channel's number.</summary>
    Subscribed = 0x11,

    /// <summary>Client: listen no longer.</summary>
    Unsubscribe = 0x12,

    /// <summary>Server: it listens no longer, on either side's request.</summary>
    Unsubscribed = 0x13,

    /// <summary>Client: data for all who listen to a channel.</summary>
    Publish = 0x14,

    /// <summary>Server: where that data stands, and how many it went to.</summary>
    Published = 0x15,

    /// <summary>Server: what was published.</summary>
    Delivery = 0x16,

    /// <summary>Server: deliveries that this client will not get.</summary>
    Missed = 0x17,

    /// <summary>Client: a page of a channel's history.</summary>
    History = 0x18,

    /// <summary>Server: that page.</summary>
    HistoryReply = 0x19,

    /// <summary>Either: call a method.</summary>
    Call = 0x20,

    /// <summary>Either: what a call came to. It ends the call.</summary>
    Result = 0x21,

    /// <summary>Either: why a call failed. It ends the call.</summary>
    Fault = 0x22,

    /// <summary>Either: the caller wants the call no longer.</summary>
    Cancel = 0x23,

    /// <summary>Either: one more argument of a call, or one more of its results.</summary>
    Item = 0x24,

    /// <summary>Either: the caller's last argument has been sent.</summary>
    ItemsEnd = 0x25,

    /// <summary>Either: a stream of chunks begins.</summary>
    Stream = 0x30,

    /// <summary>Either: one chunk of a stream.</summary>
    Chunk = 0x31,

    /// <summary>Either: the receiver takes more chunks, or more items.</summary>
    Credit = 0x32,

    /// <summary>Either: a stream ends before its last chunk.</summary>
    StreamCancel = 0x33,
}

/// <summary>Questions about a <see cref="NativeKind"/>.</summary>
public static class NativeKinds
{
    extension(NativeKind kind)
    {
        /// <summary>Whether the kind is one of this protocol's.</summary>
        public bool IsKnown => kind is (>= NativeKind.Hello and <= NativeKind.Bye)
            or (>= NativeKind.Subscribe and <= NativeKind.HistoryReply)
            or (>= NativeKind.Call and <= NativeKind.ItemsEnd)
            or (>= NativeKind.Stream and <= NativeKind.StreamCancel);

        /// <summary>Whether a side may be sent this kind: a server receives no welcome, and a client no publish.</summary>
        public bool MayReach(Side receiver) => kind switch
        {
            NativeKind.Hello or NativeKind.Subscribe or NativeKind.Unsubscribe or NativeKind.Publish or NativeKind.History =>
                receiver == Side.Server,
            NativeKind.Welcome or NativeKind.Subscribed or NativeKind.Unsubscribed => receiver == Side.Client,
            NativeKind.Published or NativeKind.Delivery or NativeKind.Missed or NativeKind.HistoryReply => receiver == Side.Client,
            _ => true,
        };
    }
}
