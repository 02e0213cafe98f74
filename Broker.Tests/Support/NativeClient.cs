using System.Buffers;
using System.Globalization;
using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>A client of the native protocol that receives each message as a line of text.</summary>
internal sealed class NativeClient(HubClient client, bool batched)
{
    private readonly Queue<string> _received = new();

    /// <summary>The frames below.</summary>
    public HubClient Frames { get; } = client;

    public static byte[] Hello(
        string token = "", int frameBytesMax = 1 << 20, ushort version = 1, int window = 0, int items = 0, Compressions compressions =
            Compressions.None) =>
        NativeWriter.Message(new Hello
        {
            Version = version,
            FrameBytesMax = frameBytesMax,
            WindowChunks = window,
            WindowItems = items,
            Compressions = compressions,
            Name = "test"u8,
            Token = Encoding.UTF8.GetBytes(token),
        });

    public static byte[] Header(uint stream, int bytes, StreamPurpose purpose = StreamPurpose.Message, uint call = 0) =>
        NativeWriter.Message(new StreamHeader { Stream = stream, Purpose = purpose, Reference = call, Bytes = (ulong)bytes });

    public static byte[] Chunk(uint stream, uint index, uint total, ReadOnlySpan<byte> data) =>
        NativeWriter.Message(new Chunk { Stream = stream, Index = index, Total = total, Data = data });

    /// <summary>A whole message, cut in chunks of so many bytes.</summary>
    public static byte[][] Cut(uint stream, byte[] message, int chunkBytes)
    {
        byte[][] parts = [.. message.Chunk(chunkBytes)];
        return [.. parts.Select((part, index) => Chunk(stream, (uint)index, (uint)parts.Length, part))];
    }

    public static byte[] Credit(uint stream, uint count) => NativeWriter.Message(new Credit { Id = stream, Count = count });

    public static byte[] CancelStream(uint stream, StreamOwner owner) =>
        NativeWriter.Message(new StreamCancel { Stream = stream, Owner = owner });

    public static byte[] Subscribe(uint request, string channel, string token = "") =>
        NativeWriter.Message(
            new Subscribe { Request = request, Channel = Encoding.UTF8.GetBytes(channel), Token = Encoding.UTF8.GetBytes(token) });

    public static byte[] Unsubscribe(uint request, uint channel) =>
        NativeWriter.Message(new Unsubscribe { Request = request, Channel = channel });

    public static byte[] Publish(uint request, string channel, string data) =>
        NativeWriter.Message(
            new Publish { Request = request, Channel = Encoding.UTF8.GetBytes(channel), Data = Encoding.UTF8.GetBytes(data) });

    public static byte[] Ping(ulong mark) => NativeWriter.Message(new Ping { Mark = mark });

    public static byte[] Call(
        uint id, string method, string arguments = "", uint deadlineMilliseconds = 0, CallOptions options = CallOptions.None) =>
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

    public static byte[] ItemCredit(uint id, uint count) =>
        NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = id, Count = count });

    public static byte[] Cancel(uint id) => NativeWriter.Message(new CallCancel { Id = id });

    /// <summary>Messages in one write: as one frame of v3, or as one frame each of v2.</summary>
    public void Send(params byte[][] messages)
    {
        if (batched) SendFrames([.. messages.SelectMany(message => message)]);
        else SendFrames(messages);
    }

    /// <summary>Payloads of frames, in one write.</summary>
    public void SendFrames(params byte[][] payloads) => Frames.SendRaw([.. payloads.SelectMany(HubClient.BinaryFrame)]);

    /// <summary>The next message that the server says.</summary>
    public string Next()
    {
        if (_received.Count == 0) Receive(Frames.NextPayload());
        return _received.Dequeue();
    }

    /// <summary>The next messages that the server says.</summary>
    public string[] Next(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    /// <summary>Everything that came within some turns; for what must not come.</summary>
    public string[] Within(int turns)
    {
        foreach (byte[] payload in Frames.PayloadsWithin(turns)) Receive(payload);
        string[] received = [.. _received];
        _received.Clear();
        return received;
    }

    /// <summary>Messages of a server's payload, one a line.</summary>
    public static string[] Describe(byte[] payload, bool batched)
    {
        var lines = new List<string>();
        Assert.Equal(NativeFault.None, OpenedPayload.Open(payload, Compressions.All, 1 << 24, new BufferPool(), out OpenedPayload opened));
        using OpenedPayload _ = opened;
        var reader = new NativeReader(opened.Messages, Side.Client, batched);
        while (reader.Read(out NativeMessage message) == OperationStatus.Done) lines.Add(Describe(message));
        Assert.Equal(NativeFault.None, reader.Fault);
        return [.. lines];
    }

    private void Receive(byte[] payload)
    {
        foreach (string line in Describe(payload, batched)) _received.Enqueue(line);
    }

    private static string Describe(in NativeMessage message)
    {
        switch (message.Kind)
        {
            case NativeKind.Welcome:
                var welcome = message.As<Welcome>();
                return Line($"welcome {welcome.Version} {welcome.Limits.FrameBytesMax} {welcome.Limits.MessagesPerFrameMax} "
                    + $"{welcome.Limits.PingMilliseconds}");
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
                return Line($"subscribed {subscribed.Request} #{subscribed.Channel} at "
                    + $"{subscribed.Offset}{(subscribed.State == SubscribedState.None ? "" : $" {subscribed.State}")}");
            case NativeKind.Unsubscribed:
                var unsubscribed = message.As<Unsubscribed>();
                return Line($"unsubscribed {unsubscribed.Request} #{unsubscribed.Channel} {unsubscribed.Code}");
            case NativeKind.HistoryReply:
                var page = message.As<HistoryReply>();
                var publications = new HistoryPublications(page.Publications);
                string listed = "";
                while (publications.Read(out ulong offset, out ReadOnlySpan<byte> data)) listed += Line($" {offset}={data.ToText()}");
                return Line($"history {page.Request} to {page.Offset}:{listed}");
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
            case NativeKind.Fault:
                var fault = message.As<CallFault>();
                return Line($"fault {fault.Id} {fault.Code}: {fault.Text.ToText()}");
            case NativeKind.Call:
                var call = message.As<Call>();
                return Line($"call {call.Id:x} {call.Method.Value:x} within {call.DeadlineMilliseconds} "
                    + $"{call.Arguments.ToText()}{(call.Options == CallOptions.None ? "" : " and more")}");
            case NativeKind.ItemsEnd: return Line($"items-end {message.As<CallItemsEnd>().Id:x}");
            case NativeKind.Cancel: return Line($"cancel {message.As<CallCancel>().Id:x}");
            case NativeKind.Missed: return Line(
                $"missed #{message.As<Missed>().Channel} {message.As<Missed>().Offset} {message.As<Missed>().Count}");
            case NativeKind.Stream:
                var stream = message.As<StreamHeader>();
                return Line($"stream {stream.Stream} {stream.Purpose} {stream.Reference} of {stream.Bytes}");
            case NativeKind.Chunk:
                var chunk = message.As<Chunk>();
                return Line($"chunk {chunk.Stream} {chunk.Index}/{chunk.Total} of {chunk.Data.Length}");
            case NativeKind.Credit: return Line(
                $"credit {message.As<Credit>().Scope} {message.As<Credit>().Id} {message.As<Credit>().Count}");
            case NativeKind.StreamCancel:
                var end = message.As<StreamCancel>();
                return Line($"stream-cancel {end.Owner} {end.Stream} {(int)end.Code}");
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
