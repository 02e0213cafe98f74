using System.Text;
using System.Text.RegularExpressions;
using Broker.Tests.EndToEnd;
using Broker.Tests.Support;
using static Broker.Tests.Hostile.HostileClient;

namespace Broker.Tests.Hostile;

/// <summary>docs/ERRORS.md, row by row, against the real host: what a client does wrong, and what it is answered.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed partial class ErrorTableTests(SharedHost shared)
{
    private const string Own = nameof(ErrorTableTests);

    private static readonly byte[] s_connect = Line("""{"id":1,"connect":{}}""");

    // A whole upgrade first, then these bytes; the answer is the code of the Close frame.
    private static readonly Dictionary<string, byte[]> s_frames = new()
    {
        ["an unmasked frame"] = [0x81, 0x01, (byte)'a'],
        ["a reserved bit"] = [0xC1, .. Line("a")[1..]],
        ["a reserved opcode"] = Frame(0x83, "a"u8),
        ["a reserved control opcode"] = Frame(0x8B, []),
        ["a length that is not in its shortest form"] = [Text, 0x80 | 126, 0, 5, 0, 0, 0, 0],
        ["a length over 2^63 - 1"] = Header(Text, 1UL << 63),
        ["a fragmented control frame"] = Frame(0x09, []),
        ["a control frame over 125 bytes"] = Frame(Ping, new byte[126]),
        ["a continuation of nothing"] = Frame(0x80, "a"u8),
        ["a new message inside an open one"] = [.. Frame(TextBegins, "a"u8), .. Frame(Text, "b"u8)],
        ["a Close frame of one byte"] = Frame(Close, [3]),
        ["a close code that may not be sent"] = Frame(Close, [0x03, 0xED]),
        ["a close reason that is not UTF-8"] = Frame(Close, [0x03, 0xE8, 0xFF]),
        ["text that is not UTF-8"] = Frame(Text, [0xC0, 0x80]),
        ["text that ends within a character"] = Frame(Text, [0xE2, 0x82]),
        ["a message over bytes-before-connect-max before connect"] = Frame(Text, new byte[16 * 1024 + 1]),
        ["messages that together are over bytes-before-connect-max"] =
            Repeat(Line("{\"send\":{\"data\":\"" + new string('x', 7000) + "\"}}"), 3),
        ["a message over message-bytes-max"] = [.. s_connect, .. Frame(Text, new byte[64 * 1024 + 1])],
        ["more than fragments-max fragments"] = [.. s_connect, .. Frame(TextBegins, []), .. Repeat(Frame(Continuation, []), 1024)],
        ["a Close frame"] = Frame(Close, [0x03, 0xE8, .. "bye"u8]),
        ["a Close frame without a code"] = Frame(Close, []),
        ["a command before connect"] = Line("""{"id":1,"publish":{"channel":"c","data":1}}"""),
        ["connect said twice"] = [.. s_connect, .. s_connect],
        ["a token, which cannot be verified yet"] = Line("""{"id":1,"connect":{"token":"t"}}"""),
        ["an empty message"] = Line(""),
        ["a blank line"] = [.. s_connect, .. Line("{}\n\n{}")],
        ["a line that is no JSON object"] = Line("[1]"),
        ["JSON that is cut"] = Line("""{"id":1"""),
        ["nesting over 64 levels"] = [.. s_connect, .. Line("{\"a\":" + new string('[', 64) + new string(']', 64) + "}")],
        ["a member of the wrong type"] = Line("""{"id":"1","connect":{}}"""),
        ["a method without an id"] = Line("""{"connect":{}}"""),
        ["an id without a method"] = [.. s_connect, .. Line("""{"id":2,"dance":{}}""")],
        ["two methods in one command"] = Line("""{"id":1,"connect":{},"publish":{}}"""),
        ["a publication into no channel"] = [.. s_connect, .. Line("""{"id":2,"publish":{"channel":"","data":1}}""")],
        ["half a surrogate pair"] = [.. s_connect, .. Line("""{"id":2,"subscribe":{"channel":"\ud800"}}""")],
        ["more than commands-per-frame-max commands"] = [.. s_connect, .. Line(string.Join('\n', Enumerable.Repeat("{}", 257)))],
    };

    // After connect, this line; the answer is an error with a code, and the connection lives.
    private static readonly Dictionary<string, string> s_commands = new()
    {
        ["a channel over channel-bytes-max"] = $"\"subscribe\":{{\"channel\":\"{new string('n', 256)}\"}}",
        ["a control character in a channel"] = """ "subscribe":{"channel":"a\nb"}""",
        ["a publication without data"] = """ "publish":{"channel":"c"}""",
        ["a channel subscribed to twice"] = """ "subscribe":{"channel":"twice"}""",
        ["rpc, where the hub has no method at all"] = """ "rpc":{"method":"dance"}""",
        ["history, which is not there yet"] = """ "history":{"channel":"c"}""",
        ["presence, which is not there yet"] = """ "presence":{"channel":"c"}""",
        ["a channel of another type"] = """ "publish":{"channel":"c","data":1,"type":1}""",
        ["a subscription that asks for recovery with a token"] = """ "subscribe":{"channel":"c","token":"t"}""",
    };

    // Instead of an upgrade, this request; the answer is an HTTP status.
    private static readonly Dictionary<string, string> s_requests = new()
    {
        ["a first byte that begins no method"] = "\x16\x03\x01",
        ["a bare LF"] = "GET / HTTP/1.1\n",
        ["a request without Host"] = Request(""),
        ["a method other than GET"] = Request(Fields, method: "POST"),
        ["HTTP/2.0 in the request line"] = "GET / HTTP/2.0\r\n\r\n",
        ["another version of the protocol"] = Request(Fields.Replace("Version: 13", "Version: 8", StringComparison.Ordinal)),
        ["no Sec-WebSocket-Key"] = Request(Fields.Replace("Sec-WebSocket-Key", "X-Key", StringComparison.Ordinal)),
        ["a key that is not 16 bytes"] = Request(Fields.Replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhl", StringComparison.Ordinal)),
        ["a body"] = Request(Fields + "Content-Length: 5\r\n"),
        ["an origin that is not allowed"] = Request(Fields + "Origin: https://elsewhere.example\r\n"),
        ["a Host that is not this server's, on loopback"] =
            Request(Fields.Replace("Host: localhost", "Host: rebound.example", StringComparison.Ordinal)),
        ["only subprotocols that are not spoken"] = Request(Fields + "Sec-WebSocket-Protocol: mqtt\r\n"),
        ["a path without an endpoint"] = Request(Fields, path: "/nowhere"),
        ["an offer of no subprotocol, on the native path"] = Request(Fields, path: HostileNativeClient.Path),
        ["a head over head-bytes-max"] = "GET / HTTP/1.1\r\nX: " + new string('x', 16 * 1024),
    };

    // On the native path: the subprotocol, whether hello is sent first, and payloads; the answer is the code of the Close frame,
    // and where the page says so, an error before it.
    private static readonly Dictionary<string, (string Subprotocol, bool Hello, byte[] Wire)> s_native = new()
    {
        ["an empty payload"] = ("v3.broker", true, Frame(Binary, [])),
        ["a payload that ends inside a message"] =
            ("v3.broker", true, Frame(Binary, [.. HostileNativeClient.Ping(1), .. HostileNativeClient.Ping(2)[..^1]])),
        ["a message of no known kind"] = ("v3.broker", true, Frame(Binary, HostileNativeClient.Message(0x7f, []))),
        ["a message without the fields of its kind"] = ("v2.broker", true, Frame(Binary, HostileNativeClient.Message(0x03, [1, 2, 3]))),
        ["a channel's name that is not UTF-8"] =
            ("v3.broker", true, Frame(Binary, HostileNativeClient.Message(0x14, [3, 0, 0, 0, 2, 0, 0xc3, 0x28]))),
        ["more than messages-per-frame-max messages in a frame"] =
            ("v3.broker", true, Frame(Binary, Repeat(HostileNativeClient.Ping(1), 4097))),
        ["two messages in a frame of v2.broker"] = ("v2.broker", true, Frame(Binary, Repeat(HostileNativeClient.Ping(1), 2))),
        ["a message that only the server says"] = ("v3.broker", true, Frame(Binary, HostileNativeClient.Message(0x17, new byte[20]))),
        ["a message before hello"] = ("v3.broker", false, Frame(Binary, HostileNativeClient.Ping(1))),
        ["hello said twice"] = ("v3.broker", true, Frame(Binary, HostileNativeClient.Hello)),
        ["a text frame on the native path"] = ("v3.broker", true, Frame(Text, "{}"u8)),
        ["a version that is not known"] = ("v2.broker", false, Frame(Binary, HostileNativeClient.HelloOf(version: 0, longest: 1 << 20))),
        ["a payload over native.frame-bytes-max"] = ("v3.broker", true, Header(Binary, 512 * 1024 + 1)),
        ["a payload over bytes-before-connect-max before welcome"] = ("v3.broker", false, Frame(Binary, new byte[16 * 1024 + 1])),
        ["a token in hello, which cannot be verified yet"] =
            ("v3.broker", false, Frame(Binary, HostileNativeClient.HelloOf(version: 1, longest: 1 << 20, token: "token"))),
        ["a longest payload too short for what all share"] =
            ("v3.broker", false, Frame(Binary, HostileNativeClient.HelloOf(version: 1, longest: 4096))),
    };

    private const string Fields =
        "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
            + "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

    private static string Request(string fields, string method = "GET", string path = AttackedHost.HubPath) =>
        $"{method} {path} HTTP/1.1\r\n{fields}\r\n";

    /// <summary>The requests of the page, for other ways in.</summary>
    internal static IReadOnlyDictionary<string, string> Requests => s_requests;

    /// <summary>The status that the page has for one of them.</summary>
    internal static int StatusOf(string row) => Answer(row);

    public static TheoryData<string> FrameRows => [.. s_frames.Keys];

    public static TheoryData<string> CommandRows => [.. s_commands.Keys];

    public static TheoryData<string> NativeRows => [.. s_native.Keys];

    public static TheoryData<string> RequestRows => [.. s_requests.Keys];

    [Theory, MemberData(nameof(FrameRows))]
    public async Task What_ends_a_connection_ends_it_with_the_code_of_the_page(string row)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using Attacker client = await Attacker.OpenAsync(shared.Process.Port, AttackedHost.HubPath, limit.Token);

        Assert.True(await client.TrySendAsync(s_frames[row], limit.Token));

        Assert.Equal(Answer(row), await client.ReadToEndAsync(limit.Token));
    }

    [Theory, MemberData(nameof(CommandRows))]
    public async Task What_fails_a_command_is_answered_with_the_error_of_the_page_and_the_connection_lives(string row)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using Attacker client = await Attacker.EnterAsync(shared.Process.Port, limit.Token);
        string command = s_commands[row];

        // All of them twice: the second subscription to a channel is the one that fails, and an error does not end anything.
        await client.TrySendAsync(
            Line($"{{\"id\":2,{command}}}\n{{\"id\":3,{command}}}\n{{\"id\":4,\"unsubscribe\":{{\"channel\":\"other\"}}}}"), limit.Token);
        var replies = new StringBuilder();
        while (!replies.ToString().Contains("\"id\":4", StringComparison.Ordinal))
        {
            string text = await client.ReadTextAsync(limit.Token);
            Assert.NotEqual("", text);
            replies.Append(text).Append('\n');
        }

        Assert.Contains($"{{\"id\":3,\"error\":{{\"code\":{Answer(row)},", replies.ToString(), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(RequestRows))]
    public async Task What_is_no_upgrade_is_refused_with_the_status_of_the_page(string row)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using Attacker client = await Attacker.ConnectAsync(shared.Process.Port, limit.Token);

        await client.TrySendAsync(Encoding.Latin1.GetBytes(s_requests[row]), limit.Token);

        Assert.StartsWith($"HTTP/1.1 {Answer(row)} ", await client.ReadHeadAsync(limit.Token), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(NativeRows))]
    public async Task Native_errors_have_the_number_and_code_of_the_page(string row)
    {
        (string subprotocol, bool hello, byte[] wire) = s_native[row];
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using Attacker client = await Attacker.ConnectAsync(shared.Process.Port, limit.Token);
        await client.UpgradeAsync(HostileNativeClient.Path, HostileNativeClient.Offer(subprotocol), limit.Token);
        if (hello) await client.SendHelloAsync(limit.Token);

        Assert.True(await client.TrySendAsync(wire, limit.Token));

        var errors = new List<string>();
        (byte first, ReadOnlyMemory<byte> payload) = await client.ReadFrameAsync(limit.Token);
        for (; first is not (Close or 0); (first, payload) = await client.ReadFrameAsync(limit.Token))
            errors.AddRange(HostileNativeClient.ErrorsIn(payload.Span[1..]));
        Assert.Equal(Answer(row), client.CloseCode);
        Assert.Equal(s_page[row].Error is { } number ? [$"scope 2, error {number}"] : [], errors);
    }

    [Fact]
    public void Each_row_of_the_page_is_proved()
    {
        string[] own = [.. s_page.Where(row => row.Value.Proof == Own).Select(row => row.Key).Order(StringComparer.Ordinal)];
        Assert.Equal(
            [.. s_frames.Keys.Concat(s_commands.Keys).Concat(s_requests.Keys).Concat(s_native.Keys).Order(StringComparer.Ordinal)], own);
        Assert.All(s_page.Values.Where(row => row.Proof != Own), row => NamedTests.Expect(row.Proof));
    }

    private static readonly Dictionary<string, (int Answer, int? Error, string Proof)> s_page = ReadPage();

    private static int Answer(string row) => s_page.TryGetValue(row, out (int Answer, int? Error, string Proof) found) ? found.Answer : -1;

    private static Dictionary<string, (int Answer, int? Error, string Proof)> ReadPage() =>
        File.ReadLines(Path.Combine(ProjectFolder.Path, "..", "docs", "ERRORS.md"))
            .Select(line => Row().Match(line))
            .Where(match => match.Success)
            .ToDictionary(
            match => match.Groups[1].Value, match =>
                (Number(match.Groups[2]), match.Groups[3].Success ? Number(match.Groups[3]) : (int?)null, match.Groups[4].Value));

    private static int Number(Group digits) => int.Parse(digits.ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    // | what | 1002 and words | `Test` |, and in the words perhaps the number of an error.
    [GeneratedRegex(@"^\| (.+?) \| (\d+)(?:, error (\d+)|[^|]*) \| `([\w.]+)` \|$")]
    private static partial Regex Row();
}
