using System.Buffers;
using System.Globalization;
using System.Text;
using Broker.Core.Chunks;
using Broker.Core.Framing;
using Broker.Core.Native;
using Broker.Core.Rpc;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>A client of the native protocol that hears each message as a line of text.</summary>
internal sealed class NativeClient(HubClient client, bool batched)
{
    private readonly Queue<string> _heard = new();

    /// <summary>The frames below.</summary>
    public HubClient Frames { get; } = client;

    public static byte[] Hello(string token = "", int frameBytesMax = 1 << 20, ushort version = 1, int window = 8) =>
        NativeWriter.Message(new Hello { Version = version, FrameBytesMax = frameBytesMax, WindowChunks = window, Name = "test"u8, Token = Encoding.UTF8.GetBytes(token) });

    public static byte[] Subscribe(uint request, string channel, string token = "") =>
        NativeWriter.Message(new Subscribe { Request = request, Channel = Encoding.UTF8.GetBytes(channel), Token = Encoding.UTF8.GetBytes(token) });

    public static byte[] Unsubscribe(uint request, uint channel) => NativeWriter.Message(new Unsubscribe { Request = request, Channel = channel });

    public static byte[] Publish(uint request, string channel, string data) =>
        NativeWriter.Message(new Publish { Request = request, Channel = Encoding.UTF8.GetBytes(channel), Data = Encoding.UTF8.GetBytes(data) });

    public static byte[] Ping(ulong mark) => NativeWriter.Message(new Ping { Mark = mark });

    public static byte[] Call(uint id, string method, string arguments = "", uint deadlineMilliseconds = 0, CallOptions options = CallOptions.None) =>
        NativeWriter.Message(new Call
        {
            Id = id,
            Method = MethodId.Of(method),
            DeadlineMilliseconds = deadlineMilliseconds,
            Options = options,
            Arguments = Encoding.UTF8.GetBytes(arguments),
        });

    public static byte[] Item(uint id, string data) => NativeWriter.Message(new CallItem { Id = id, Data = Encoding.UTF8.GetBytes(data) });

    public static byte[] ItemsEnd(uint id) => NativeWriter.Message(new CallItemsEnd { Id = id });

    public static byte[] Credit(uint id, uint count) => NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = id, Count = count });

    public static byte[] Cancel(uint id) => NativeWriter.Message(new CallCancel { Id = id });

    /// <summary>Messages in one write: as one frame of v3, or as one frame each of v2.</summary>
    public void Say(params byte[][] messages)
    {
        if (batched) SayFrames([.. messages.SelectMany(message => message)]);
        else SayFrames(messages);
    }

    /// <summary>Payloads of frames, in one write.</summary>
    public void SayFrames(params byte[][] payloads) => Frames.SendRaw([.. payloads.SelectMany(HubClient.BinaryFrame)]);

    /// <summary>The next message that the server says.</summary>
    public string Next()
    {
        if (_heard.Count == 0) Hear(Frames.NextPayload());
        return _heard.Dequeue();
    }

    /// <summary>The next messages that the server says.</summary>
    public string[] Next(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    /// <summary>Everything that came within some turns; for what must not come.</summary>
    public string[] Within(int turns)
    {
        foreach (byte[] payload in Frames.PayloadsWithin(turns)) Hear(payload);
        string[] heard = [.. _heard];
        _heard.Clear();
        return heard;
    }

    /// <summary>Messages of a server's payload, one a line.</summary>
    public static string[] Describe(byte[] payload, bool batched)
    {
        var lines = new List<string>();
        Assert.Equal((byte)PayloadTag.None, payload[0]);
        var reader = new NativeReader(payload.AsSpan(1), Side.Client, batched);
        while (reader.Read(out NativeMessage message) == OperationStatus.Done) lines.Add(Describe(message));
        Assert.Equal(NativeFault.None, reader.Fault);
        return [.. lines];
    }

    private void Hear(byte[] payload)
    {
        foreach (string line in Describe(payload, batched)) _heard.Enqueue(line);
    }

    private static string Describe(in NativeMessage message)
    {
        switch (message.Kind)
        {
            case NativeKind.Welcome:
                var welcome = message.As<Welcome>();
                return Line($"welcome {welcome.Version} {welcome.Limits.FrameBytesMax} {welcome.Limits.MessagesPerFrameMax} {welcome.Limits.PingMilliseconds}");
            case NativeKind.Ping: return "ping";
            case NativeKind.Pong: return Line($"pong {message.As<Pong>().Mark}");
            case NativeKind.Error:
                var error = message.As<NativeError>();
                return Line($"error {error.Scope} {error.Code} id {error.Id} chunk {error.ChunkIndex} message {error.MessageIndex}");
            case NativeKind.Bye:
                var bye = message.As<Bye>();
                return Line($"bye {bye.Code} {bye.Text.ToText()}{(bye.RetryMilliseconds == Bye.Never ? " for good" : "")}");
            case NativeKind.Subscribed:
                var subscribed = message.As<Subscribed>();
                return Line($"subscribed {subscribed.Request} #{subscribed.Channel} at {subscribed.Offset}");
            case NativeKind.Unsubscribed:
                var unsubscribed = message.As<Unsubscribed>();
                return Line($"unsubscribed {unsubscribed.Request} #{unsubscribed.Channel} {unsubscribed.Code}");
            case NativeKind.Published:
                var published = message.As<Published>();
                return Line($"published {published.Request} to {published.Receivers} at {published.Offset}");
            case NativeKind.Delivery:
                var delivery = message.As<Delivery>();
                return Line($"delivery #{delivery.Channel} {delivery.Offset} {delivery.Data.ToText()}");
            case NativeKind.Result:
                var result = message.As<CallResult>();
                return Line($"result {result.Id} {result.Data.ToText()}");
            case NativeKind.Item:
                var item = message.As<CallItem>();
                return Line($"item {item.Id} {item.Data.ToText()}");
            case NativeKind.Credit:
                var credit = message.As<Credit>();
                return Line($"credit {credit.Scope} {credit.Id} {credit.Count}");
            case NativeKind.Fault:
                var fault = message.As<CallFault>();
                return Line($"fault {fault.Id} {fault.Code}: {fault.Text.ToText()}");
            default: return message.Kind.ToString();
        }
    }

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Texts of messages.</summary>
internal static class Texts
{
    extension(ReadOnlySpan<byte> bytes)
    {
        /// <summary>As UTF-8.</summary>
        public string ToText() => Encoding.UTF8.GetString(bytes);
    }
}
