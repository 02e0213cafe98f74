using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Messages;

/// <summary>One message of each kind: its bytes as docs/PROTOCOL.md prints them, and the same as the codec writes it.</summary>
internal sealed record Sample(string Name, Side Receiver, string Hex, Func<byte[]> Write, Func<NativeMessage, byte[]> Rewrite)
{
    public byte[] Bytes => Wire.Bytes(Hex);
}

internal static class Samples
{
    public static IReadOnlyList<Sample> All { get; } =
    [
        Of("hello", Side.Server, "01 19000000 0100 03 00001000 04000000 08000000 04 64656d6f 736573616d",
            () => NativeWriter.Message(new Hello
            {
                Version = 1,
                Compressions = Compressions.All,
                FrameBytesMax = 1 << 20,
                WindowChunks = 4,
                WindowItems = 8,
                Name = "demo"u8,
                Token = "sesam"u8,
            }),
            message => NativeWriter.Message(message.As<Hello>())),
        Of("welcome", Side.Client,
            "02 31000000 0100 01 00000800 00100000 00000400 00010000 0000000400000000 08000000 00040000 04000000 08000000 a8610000 6337",
            () => NativeWriter.Message(new Welcome
            {
                Version = 1,
                Compressions = Compressions.Brotli,
                Limits = NativeLimits.Default,
                Client = "c7"u8,
            }),
            message => NativeWriter.Message(message.As<Welcome>())),
        Of("ping", Side.Server, "03 08000000 0807060504030201",
            () => NativeWriter.Message(new Ping { Mark = 0x0102030405060708 }),
            message => NativeWriter.Message(message.As<Ping>())),
        Of("pong", Side.Client, "04 08000000 0807060504030201",
            () => NativeWriter.Message(new Pong { Mark = 0x0102030405060708 }),
            message => NativeWriter.Message(message.As<Pong>())),
        Of("error", Side.Client, "05 20000000 00 6700 05000000 00000000 02000000 7065726d697373696f6e2064656e696564",
            () => NativeWriter.Message(new NativeError
            {
                Scope = ErrorScope.Request,
                Code = 103,
                Id = 5,
                MessageIndex = 2,
                Text = "permission denied"u8,
            }),
            message => NativeWriter.Message(message.As<NativeError>())),
        Of("bye", Side.Client, "06 0e000000 b90b c4090000 73687574646f776e",
            () => NativeWriter.Message(new Bye { Code = 3001, RetryMilliseconds = 2500, Text = "shutdown"u8 }),
            message => NativeWriter.Message(message.As<Bye>())),
        Of("subscribe", Side.Server, "10 1b000000 01000000 01 efbe000000000000 2900000000000000 0400 6e657773",
            () => NativeWriter.Message(new Subscribe
            {
                Request = 1,
                Options = SubscribeOptions.Recover,
                Epoch = 0xbeef,
                Offset = 41,
                Channel = "news"u8,
            }),
            message => NativeWriter.Message(message.As<Subscribe>())),
        Of("subscribed", Side.Client, "11 19000000 01000000 07000000 03 efbe000000000000 2a00000000000000",
            () => NativeWriter.Message(new Subscribed
            {
                Request = 1,
                Channel = 7,
                State = SubscribedState.Recoverable | SubscribedState.Recovered,
                Epoch = 0xbeef,
                Offset = 42,
            }),
            message => NativeWriter.Message(message.As<Subscribed>())),
        Of("unsubscribe", Side.Server, "12 08000000 02000000 07000000",
            () => NativeWriter.Message(new Unsubscribe { Request = 2, Channel = 7 }),
            message => NativeWriter.Message(message.As<Unsubscribe>())),
        Of("unsubscribed", Side.Client, "13 1c000000 00000000 07000000 c409 696e73756666696369656e74207374617465",
            () => NativeWriter.Message(new Unsubscribed { Channel = 7, Code = 2500, Text = "insufficient state"u8 }),
            message => NativeWriter.Message(message.As<Unsubscribed>())),
        Of("publish", Side.Server, "14 0f000000 03000000 0400 6e657773 68656c6c6f",
            () => NativeWriter.Message(new Publish { Request = 3, Channel = "news"u8, Data = "hello"u8 }),
            message => NativeWriter.Message(message.As<Publish>())),
        Of("published", Side.Client, "15 10000000 03000000 e8030000 2b00000000000000",
            () => NativeWriter.Message(new Published { Request = 3, Receivers = 1000, Offset = 43 }),
            message => NativeWriter.Message(message.As<Published>())),
        Of("delivery", Side.Client, "16 11000000 07000000 2b00000000000000 68656c6c6f",
            () => NativeWriter.Message(new Delivery { Channel = 7, Offset = 43, Data = "hello"u8 }),
            message => NativeWriter.Message(message.As<Delivery>())),
        Of("missed", Side.Client, "17 14000000 07000000 2c00000000000000 0300000000000000",
            () => NativeWriter.Message(new Missed { Channel = 7, Offset = 44, Count = 3 }),
            message => NativeWriter.Message(message.As<Missed>())),
        Of("history", Side.Server, "18 1d000000 08000000 01 efbe000000000000 2900000000000000 64000000 6e657773",
            () => NativeWriter.Message(
                new HistoryRequest { Request = 8, Options = HistoryOptions.Since, Epoch = 0xbeef, Offset = 41, Limit = 100,
                    Channel = "news"u8 }),
            message => NativeWriter.Message(message.As<HistoryRequest>())),
        Of("history-reply", Side.Client, "19 25000000 08000000 efbe000000000000 2b00000000000000 2b00000000000000 05000000 68656c6c6f",
            () => NativeWriter.Message(
                new HistoryReply { Request = 8, Epoch = 0xbeef, Offset = 43,
                    Publications = (byte[])[43, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, .. "hello"u8] }),
            message => NativeWriter.Message(message.As<HistoryReply>())),
        Of("call", Side.Server, "20 15000000 04000000 f2cdf251a122262c f4010000 00 6b657931",
            () => NativeWriter.Message(new Call
            {
                Id = 4,
                Method = MethodId.Of("read"),
                DeadlineMilliseconds = 500,
                Arguments = "key1"u8,
            }),
            message => NativeWriter.Message(message.As<Call>())),
        Of("result", Side.Client, "21 0a000000 04000000 01 76616c7565",
            () => NativeWriter.Message(new CallResult { Id = 4, Data = "\u0001value"u8 }),
            message => NativeWriter.Message(message.As<CallResult>())),
        Of("fault", Side.Server, "22 14000000 01000080 0100 756e6b6e6f776e206d6574686f64",
            () => NativeWriter.Message(new CallFault { Id = 0x80000001, Code = FaultCode.UnknownMethod, Text = "unknown method"u8 }),
            message => NativeWriter.Message(message.As<CallFault>())),
        Of("cancel", Side.Server, "23 04000000 04000000",
            () => NativeWriter.Message(new CallCancel { Id = 4 }),
            message => NativeWriter.Message(message.As<CallCancel>())),
        Of("item", Side.Client, "24 06000000 04000000 6f6b",
            () => NativeWriter.Message(new CallItem { Id = 4, Data = "ok"u8 }),
            message => NativeWriter.Message(message.As<CallItem>())),
        Of("items-end", Side.Server, "25 04000000 04000000",
            () => NativeWriter.Message(new CallItemsEnd { Id = 4 }),
            message => NativeWriter.Message(message.As<CallItemsEnd>())),
        Of("stream", Side.Server, "30 11000000 00000000 00 00000000 0100080000000000",
            () => NativeWriter.Message(new StreamHeader { Stream = 0, Purpose = StreamPurpose.Message, Bytes = 524_289 }),
            message => NativeWriter.Message(message.As<StreamHeader>())),
        Of("chunk", Side.Server, "31 0d000000 00000000 02000000 03000000 ff",
            () => NativeWriter.Message(new Chunk { Stream = 0, Index = 2, Total = 3, Data = [0xff] }),
            message => NativeWriter.Message(message.As<Chunk>())),
        Of("credit", Side.Client, "32 09000000 00 00000000 04000000",
            () => NativeWriter.Message(new Credit { Scope = CreditScope.Stream, Id = 0, Count = 4 }),
            message => NativeWriter.Message(message.As<Credit>())),
        Of("stream-cancel", Side.Client, "33 07000000 01 00000000 d400",
            () => NativeWriter.Message(new StreamCancel { Owner = StreamOwner.Yours, Stream = 0, Code = ChunkError.StreamTooBig }),
            message => NativeWriter.Message(message.As<StreamCancel>())),
    ];

    public static Sample Of(NativeKind kind) => All.Single(sample => sample.Bytes[0] == (byte)kind);

    public static Sample Named(string name) => All.Single(sample => sample.Name == name);

    public static TheoryData<string> Names { get; } = [.. All.Select(sample => sample.Name)];

    private static Sample Of(string name, Side receiver, string hex, Func<byte[]> write, Func<NativeMessage, byte[]> rewrite) =>
        new(name, receiver, hex, write, rewrite);
}
