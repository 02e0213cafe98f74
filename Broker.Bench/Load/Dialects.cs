using System.Globalization;
using System.Text;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;

namespace Broker.Bench.Load;

/// <summary>The dialects that the generator uses.</summary>
internal static class Dialects
{
    /// <summary>Topics in the path and nothing around the data: <c>/echo</c>, <c>/sub/TOPIC</c>, <c>/pub/TOPIC</c>.</summary>
    public static Dialect Plain { get; } = new("plain", IdlePath: "/sub/idle")
    {
        EchoPath = "/echo",
        SubscriberPath = "/sub/t%t",
        PublisherPath = "/pub/t%t",
        Publication = (data, _) => data,
    };

    /// <summary>Only <c>/echo</c>.</summary>
    public static Dialect EchoOnly { get; } = new("echo", IdlePath: "/echo") { EchoPath = "/echo" };

    /// <summary>
    /// The Centrifuge JSON protocol. A publisher gets a reply to each publication, as the protocol has it, and one
    /// frame may carry several publications: they are told apart by <see cref="Dialect.DataMark"/>.
    /// </summary>
    public static Dialect Centrifuge { get; } = new("centrifuge", IdlePath: "/echo")
    {
        EchoPath = "/echo",
        SubscriberPath = "/connection/websocket",
        PublisherPath = "/connection/websocket",
        Text = true,
        SubscriberFrames = ["""{"id":1,"connect":{}}""", """{"id":2,"subscribe":{"channel":"t%t"}}"""],
        PublisherFrames = ["""{"id":1,"connect":{}}"""],
        Publication = (data, _) => $$$"""{"id":3,"publish":{"channel":"t%t","data":"{{{data}}}"}}""",
    };

    /// <summary>
    /// Broker's native protocol, many messages in a frame; docs/PROTOCOL.md has the bytes. A channel's name is the letter t and four
    /// digits, and a publication asks for no answer.
    /// </summary>
    public static Dialect Native { get; } = new("native", IdlePath: "/echo")
    {
        Subprotocol = NativeProtocol.Batched,
        SubscriberPath = "/ws",
        PublisherPath = "/ws",
        SubscriberFrames =
            [NativeHello, NativeMessage(NativeKind.Subscribe, 23 + ChannelBytes, @"\x01\x00\x00\x00" + Zeros(17) + NativeChannel)],
        PublisherFrames = [NativeHello],
        Publication = (data, bytes) => NativeMessage(NativeKind.Publish, 6 + ChannelBytes + bytes, Zeros(4) + NativeChannel + data),
    };

    /// <summary>SignalR's JSON protocol without negotiation; every message ends with the record separator.</summary>
    public static Dialect SignalR { get; } = new("signalr", IdlePath: "/hub")
    {
        SubscriberPath = "/hub",
        PublisherPath = "/hub",
        Text = true,
        SubscriberFrames =
        [
            """{"protocol":"json","version":1}\x1e""",
            """{"type":1,"target":"Subscribe","arguments":["t%t"]}\x1e""",
        ],
        PublisherFrames = ["""{"protocol":"json","version":1}\x1e"""],
        Publication = (data, _) => $$"""{"type":1,"target":"Publish","arguments":["t%t","{{data}}"]}\x1e""",
    };

    /// <summary>The NATS text protocol; the server implements first.</summary>
    public static Dialect Nats { get; } = new("nats", IdlePath: "/")
    {
        SubscriberFrames = [$@"{NatsConnect}SUB t%t 1\r\n"],
        PublisherFrames = [NatsConnect],
        Publication = (data, bytes) => $@"PUB t%t {bytes}\r\n{data}\r\n",
    };

    /// <summary>MQTT 3.1.1 at QoS 0; a topic's name is the letter t and four digits.</summary>
    public static Dialect Mqtt { get; } = new("mqtt", IdlePath: "/")
    {
        Subprotocol = "mqtt",
        // With 5,000 and more mosquitto 2.0.11 may deliver one window, and then for half a minute nothing, at a whole core.
        SubscribersMax = 1000,
        SubscriberFrames = [MqttConnect("s%06d"), MqttPacket(0x82, 10, @"\x00\x01" + MqttTopic + @"\x00")],
        PublisherFrames = [MqttConnect("p%06d")],
        Publication = (data, bytes) => MqttPacket(0x30, 7 + bytes, MqttTopic + data),
    };

    /// <summary>Every dialect by its name.</summary>
    public static IReadOnlyDictionary<string, Dialect> ByName { get; } =
        new[] { Plain, EchoOnly, Centrifuge, Native, SignalR, Nats, Mqtt }.ToDictionary(dialect => dialect.Name);

    private const int ChannelBytes = 5;

    // Its length, then its five bytes.
    private const string NativeChannel = @"\x05\x00t%04t";

    // Version 1, no compression, payloads of a mebibyte, windows of 4 and 8, no name and no token.
    private static string NativeHello =>
        NativeMessage(NativeKind.Hello, 16, @"\x01\x00\x00\x00\x00\x10\x00\x04\x00\x00\x00\x08\x00\x00\x00\x00");

    private static string NativeMessage(NativeKind kind, int bodyBytes, string body) => string.Create(
        CultureInfo.InvariantCulture,
        $@"\x{(byte)kind:x2}\x{bodyBytes & 0xff:x2}\x{(bodyBytes >> 8) & 0xff:x2}\x{bodyBytes >> 16:x2}\x00{body}");

    private static string Zeros(int count) => string.Concat(Enumerable.Repeat(@"\x00", count));

    private const string NatsConnect = @"CONNECT {""verbose"":false,""pedantic"":false,""echo"":false}\r\n";

    private const string MqttTopic = @"\x00\x05t%04t";    // Its length, then its five bytes.

    // Clean session, no keep-alive; the client id has seven bytes.
    private static string MqttConnect(string clientId) =>
        MqttPacket(0x10, 19, @"\x00\x04MQTT\x04\x02\x00\x00\x00\x07" + clientId);

    /// <summary>A fixed header with its variable-length size (MQTT 3.1.1 section 2.2.3), then the rest.</summary>
    private static string MqttPacket(byte type, int restBytes, string rest)
    {
        var packet = new StringBuilder($@"\x{type:x2}");
        do
        {
            int more = restBytes > 0x7f ? 0x80 : 0;
            packet.Append($@"\x{(restBytes & 0x7f) | more:x2}");
            restBytes >>= 7;
        }
        while (restBytes > 0);
        return packet.Append(rest).ToString();
    }
}
