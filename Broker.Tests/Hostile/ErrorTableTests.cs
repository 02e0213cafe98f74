using System.Text;
using Broker.Tests.EndToEnd;
using Broker.Tests.Hostile.EveryWay;
using Broker.Tests.Support;
using static Broker.Tests.Hostile.EveryWay.ErrorPage;
using static Broker.Tests.Hostile.HostileClient;

namespace Broker.Tests.Hostile;

/// <summary>
/// docs/ERRORS.md, row by row, against the real host by every entry point: what a client does wrong, and what it is answered.
/// </summary>
public sealed class ErrorTableTests(SharedEntryPoints shared) : IClassFixture<SharedEntryPoints>
{
    private const string Own = nameof(ErrorTableTests);

    private static readonly byte[] s_connect = Line("""{"id":1,"connect":{}}""");
    private static readonly byte[] s_protobufConnect = Wire.Bytes("04 0801 2200");

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
        ["connect sent twice"] = [.. s_connect, .. s_connect],
        ["a token, where no key is set"] = Line("""{"id":1,"connect":{"token":"t"}}"""),
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

    // The same in the Protobuf form.
    private static readonly Dictionary<string, byte[]> s_protobuf = new()
    {
        ["a Protobuf frame of no bytes"] = [],
        ["a Protobuf frame that ends in the length of a command"] = Wire.Bytes("80"),
        ["a Protobuf command that is longer than its frame"] = Wire.Bytes("03 0801"),
        ["a length near 2^64 in a Protobuf frame"] = Wire.Bytes("ffffffffffffffffff01"),
        ["a Protobuf field that is longer than its command"] = Wire.Bytes("04 0801 2205"),
        ["a Protobuf number of more than 64 bits"] = Wire.Bytes("0b 08 ffffffffffffffffff02"),
        ["a Protobuf id over 2^32 - 1"] = Wire.Bytes("06 08 8080808010"),
        ["a known Protobuf field of another wire type"] = Wire.Bytes("03 0a01 31"),
        ["a Protobuf group"] = Wire.Bytes("06 0801 0b 0c 2200"),
        ["a Protobuf field with the number 0"] = Wire.Bytes("06 0801 2200 0001"),
        ["two methods in a Protobuf command"] = Wire.Bytes("06 0801 2200 2a00"),
        ["a Protobuf method without an id"] = Wire.Bytes("02 2200"),
        ["a Protobuf text that is not UTF-8"] = Wire.Bytes("07 0801 2203 0a01 ff"),
        ["JSON, where Protobuf was agreed on"] = [.. """{"id":1,"connect":{}}"""u8],
        ["a Protobuf filter nested over 31 levels"] = [.. s_protobufConnect, .. DeepFilter(levels: 40)],
        ["a Protobuf command of no known method"] = [.. s_protobufConnect, .. Wire.Bytes("02 0807")],
        ["more than commands-per-frame-max Protobuf commands"] = [.. s_protobufConnect, .. new byte[257]],
    };

    // After connect, this line; the answer is an error with a code, and the connection lives.
    private static readonly Dictionary<string, string> s_commands = new()
    {
        ["a channel over channel-bytes-max"] = $"\"subscribe\":{{\"channel\":\"{new string('n', 256)}\"}}",
        ["a control character in a channel"] = """ "subscribe":{"channel":"a\nb"}""",
        ["a publication without data"] = """ "publish":{"channel":"c"}""",
        ["a channel subscribed to twice"] = """ "subscribe":{"channel":"twice"}""",
        ["rpc, where the hub has no method at all"] = """ "rpc":{"method":"dance"}""",
        ["history of a channel that keeps none"] = """ "history":{"channel":"c"}""",
        ["presence of a channel that does not track it"] = """ "presence":{"channel":"c"}""",
        ["a channel of another type"] = """ "publish":{"channel":"c","data":1,"type":1}""",
        ["a subscription with a token, where no key is set"] = """ "subscribe":{"channel":"c","token":"t"}""",
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
        ["only subprotocols that are not used"] = Request(Fields + "Sec-WebSocket-Protocol: mqtt\r\n"),
        ["a path without an endpoint"] = Request(Fields, path: "/nowhere"),
        ["an offer of no subprotocol, on the native path"] = Request(Fields, path: HostileNativeClient.Path),
        ["a head over head-bytes-max"] = Request(Fields + "X: " + new string('x', 16 * 1024) + "\r\n"),
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
        ["a message that only the server sends"] = ("v3.broker", true, Frame(Binary, HostileNativeClient.Message(0x17, new byte[20]))),
        ["a message before hello"] = ("v3.broker", false, Frame(Binary, HostileNativeClient.Ping(1))),
        ["hello sent twice"] = ("v3.broker", true, Frame(Binary, HostileNativeClient.Hello)),
        ["a text frame on the native path"] = ("v3.broker", true, Frame(Text, "{}"u8)),
        ["a version that is not known"] = ("v2.broker", false, Frame(Binary, HostileNativeClient.HelloOf(version: 0, longest: 1 << 20))),
        ["a payload over native.frame-bytes-max"] = ("v3.broker", true, Header(Binary, 512 * 1024 + 1)),
        ["a payload over bytes-before-connect-max before welcome"] = ("v3.broker", false, Frame(Binary, new byte[16 * 1024 + 1])),
        ["a token in hello, where no key is set"] =
            ("v3.broker", false, Frame(Binary, HostileNativeClient.HelloOf(version: 1, longest: 1 << 20, token: "token"))),
        ["a longest payload too short for what all share"] =
            ("v3.broker", false, Frame(Binary, HostileNativeClient.HelloOf(version: 1, longest: 4096))),
    };

    // After hello, these messages; the answer is an error or a fault with the first number of the row, and the connection lives. What a
    // method or a transfer does with them is proved by the tests that the page names; here, that no entry point changes it.
    private static readonly Dictionary<string, byte[]> s_answers = new()
    {
        ["a chunk that breaks a rule of its transfer"] = HostileNativeClient.Chunk(stream: 0, index: 0, total: 0, data: [1]),
        ["a duplicate chunk"] = [.. HostileNativeClient.Chunk(0, 0, 2, [1]), .. HostileNativeClient.Chunk(0, 0, 2, [1])],
        ["a chunk of a cancelled transfer"] =
            [.. HostileNativeClient.Chunk(0, 0, 2, [1]), .. HostileNativeClient.CancelStream(0),
                .. HostileNativeClient.Chunk(0, 1, 2, [1])],
        ["a transfer over streams.bytes-max"] = HostileNativeClient.Stream(0, (64UL << 20) + 1),
        ["a ninth incomplete transfer"] =
            [.. Enumerable.Range(0, 9).SelectMany(static number => HostileNativeClient.Chunk((uint)number, 0, 2, [1]))],
        ["of an unknown method"] = HostileNativeClient.Call(1, method: 1, "x"u8),
    };

    private const string Fields =
        "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
            + "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

    private static string Request(string fields, string method = "GET", string path = AttackedHost.HubPath) =>
        $"{method} {path} HTTP/1.1\r\n{fields}\r\n";

    private static byte[] DeepFilter(int levels)
    {
        byte[] node = [];
        for (int i = 1; i < levels; i++) node = ProtobufTranscoder.Bytes(6, node);
        byte[] command =
            [0x08, 2, .. ProtobufTranscoder.Bytes(5, [.. ProtobufTranscoder.Bytes(1, "c"u8), .. ProtobufTranscoder.Bytes(13, node)])];
        return [.. ProtobufTranscoder.Varint((ulong)command.Length), .. command];
    }

    public static TheoryData<EntryPoint> Entries => [.. EveryEntryPoint.All];

    [Theory, MemberData(nameof(Entries))]
    public Task What_ends_a_connection_ends_it_with_the_code_of_the_page(EntryPoint entry) =>
        ForEachRowAsync(s_frames, async (row, wire, stop) =>
    {
        using Attacker client = await shared.EntryPoints.OpenAsync(entry, AttackedHost.HubPath, subprotocol: null, stop);
        return await EndOfAsync(client, wire, stop) is var code && code == Answer(row) ? null : $"{code}";
    });

    [Theory, MemberData(nameof(Entries))]
    public Task Malformed_Protobuf_ends_a_connection_with_the_code_of_the_page(EntryPoint entry) =>
        ForEachRowAsync(s_protobuf, async (row, payload, stop) =>
    {
        using Attacker client = await shared.EntryPoints.OpenAsync(entry, AttackedHost.HubPath, "centrifuge-protobuf", stop);
        return await EndOfAsync(client, Frame(Binary, payload), stop) is var code && code == Answer(row) ? null : $"{code}";
    });

    [Theory, MemberData(nameof(Entries))]
    public Task What_fails_a_command_is_answered_with_the_error_of_the_page_and_the_connection_lives(EntryPoint entry) =>
        ForEachRowAsync(s_commands, async (row, command, stop) =>
    {
        using Attacker client =
            await (await shared.EntryPoints.OpenAsync(entry, AttackedHost.HubPath, subprotocol: null, stop)).SendConnectAsync(stop);

        // All of them twice: the second subscription to a channel is the one that fails, and an error does not end anything.
        await client.TrySendAsync(
            Line($"{{\"id\":2,{command}}}\n{{\"id\":3,{command}}}\n{{\"id\":4,\"unsubscribe\":{{\"channel\":\"other\"}}}}"), stop);
        var replies = new StringBuilder();
        while (!replies.ToString().Contains("\"id\":4", StringComparison.Ordinal))
        {
            string text = await client.ReadTextAsync(stop);
            if (text.Length == 0) return "the connection ended";
            replies.Append(text).Append('\n');
        }

        return replies.ToString().Contains($"{{\"id\":3,\"error\":{{\"code\":{Answer(row)},", StringComparison.Ordinal) ? null
            : replies.ToString();
    });

    /// <remarks>By all entry points at once: some of the rows are answered at a limit of time.</remarks>
    [Fact]
    public Task What_is_no_upgrade_is_refused_with_the_status_of_the_page() =>
        Task.WhenAll(EveryEntryPoint.OfHttp1.Select(ExpectRefusalsAsync));

    private Task ExpectRefusalsAsync(EntryPoint entry) => ForEachRowAsync(s_requests, async (row, request, stop) =>
    {
        using Attacker client = await shared.EntryPoints.ConnectAsync(entry, stop);
        await client.TrySendAsync(Encoding.Latin1.GetBytes(request), stop);
        string head = await client.ReadHeadAsync(stop);
        return head.StartsWith($"HTTP/1.1 {Answer(RowFor(row, entry))} ", StringComparison.Ordinal) ? null : $"{entry}: {head}";
    });

    // What differs: Kestrel waits for whole lines, and a Unix socket is known by its file.
    private static string RowFor(string row, EntryPoint entry) => row switch
    {
        "a first byte that begins no method" or "a bare LF" when EveryEntryPoint.IsKestrels(entry) =>
            "a first byte that begins no method, or a bare LF, by these ways",
        "a Host that is not this server's, on loopback" when entry == EntryPoint.Unix => "any Host, by the Unix socket",
        _ => row,
    };

    [Fact]
    public async Task HTTP2_refusals_have_the_status_of_the_page()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        (string Row, string Path, string? Subprotocol, Dictionary<string, string> Fields)[] requests =
        [
            ("another version of the protocol, by HTTP/2", AttackedHost.HubPath, null, new() { ["Sec-WebSocket-Version"] = "8" }),
            ("an origin that is not allowed", AttackedHost.HubPath, null, new() { ["Origin"] = "https://elsewhere.example" }),
            ("a Host that is not this server's, on loopback", AttackedHost.HubPath, null, new() { ["Host"] = "rebound.example" }),
            ("only subprotocols that are not used, or none on the native path, by HTTP/2", AttackedHost.HubPath, "mqtt", []),
            ("only subprotocols that are not used, or none on the native path, by HTTP/2", HostileNativeClient.Path, null, []),
            ("a path without an endpoint", "/nowhere", null, []),
            ("a head over head-bytes-max", AttackedHost.HubPath, null, new() { ["X"] = new string('x', 16 * 1024) }),
            ("a head over head-bytes-max", AttackedHost.HubPath, null,
                Enumerable.Range(0, 9).ToDictionary(static number => $"Cookie-{number}", static _ => new string('x', 2000))),
        ];

        var wrong = new List<string>();
        foreach ((string row, string path, string? subprotocol, Dictionary<string, string> fields) in requests)
        {
            using HttpResponseMessage answer = await shared.EntryPoints.SendConnectAsync(path, subprotocol, fields, limit.Token);
            if ((int)answer.StatusCode != Answer(row)) wrong.Add($"{row}: {answer.StatusCode}");
        }

        using HttpResponseMessage posted = await shared.EntryPoints.SendAsync(HttpMethod.Post, AttackedHost.HubPath, limit.Token);
        if ((int)posted.StatusCode != Answer("a method other than GET")) wrong.Add($"a method other than GET: {posted.StatusCode}");
        Assert.Empty(wrong);
    }

    [Theory, MemberData(nameof(Entries))]
    public Task Native_errors_have_the_number_and_code_of_the_page(EntryPoint entry) => ForEachRowAsync(s_native, async (row, sent, stop) =>
    {
        using Attacker client = await shared.EntryPoints.OpenAsync(entry, HostileNativeClient.Path, sent.Subprotocol, stop);
        if (sent.Hello) await client.SendHelloAsync(stop);
        if (!await client.TrySendAsync(sent.Wire, stop)) return "the connection ended while it was written to";

        var errors = new List<string>();
        (byte first, ReadOnlyMemory<byte> payload) = await client.ReadFrameAsync(stop);
        for (; first is not (Close or 0); (first, payload) = await client.ReadFrameAsync(stop))
            errors.AddRange(HostileNativeClient.ErrorsIn(payload.Span[1..]));
        string[] expected = ErrorPage.Rows[row].Error is { } number ? [$"scope 2, error {number}"] : [];
        return client.CloseCode == Answer(row) && expected.SequenceEqual(errors) ? null
            : $"{client.CloseCode}, {string.Join(", ", errors)}";
    });

    [Theory, MemberData(nameof(Entries))]
    public Task Failed_native_commands_have_the_number_of_the_page(EntryPoint entry) =>
        ForEachRowAsync(s_answers, async (row, messages, stop) =>
    {
        using Attacker client =
            await (await shared.EntryPoints.OpenAsync(entry, HostileNativeClient.Path, "v3.broker", stop)).SendHelloAsync(stop);
        await client.TrySendAsync(Frame(Binary, messages), stop);
        string fault = $"fault {Answer(row)}", error = $"error {Answer(row)}";
        var received = new List<string>();
        while (!received.Exists(each => each == fault || each.EndsWith(error, StringComparison.Ordinal)))
        {
            (byte first, ReadOnlyMemory<byte> payload) = await client.ReadFrameAsync(stop);
            if (first is Close or 0) return $"{client.CloseCode}, {string.Join(", ", received)}";
            received.AddRange(HostileNativeClient.ErrorsIn(payload.Span[1..]));
        }

        // Alive: a ping is answered.
        await client.TrySendAsync(Frame(Binary, HostileNativeClient.Ping(7)), stop);
        while (await client.ReadFrameAsync(stop) is var (first, payload) && first is not (Close or 0))
        {
            if (payload.Span[1] == HostileNativeClient.Pong) return null;
        }

        return $"{client.CloseCode} after the answer";
    });

    private static async Task<int> EndOfAsync(Attacker client, byte[] wire, CancellationToken stop)
    {
        await client.TrySendAsync(wire, stop);
        return await client.ReadToEndAsync(stop);
    }

    // Every row at once, and all that are wrong in one list.
    private static async Task ForEachRowAsync<T>(Dictionary<string, T> rows, Func<string, T, CancellationToken, Task<string?>> ask)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        string?[] wrong =
            await Task.WhenAll(
                rows.Select(async row => await ask(row.Key, row.Value, limit.Token) is { } received ? $"{row.Key}: {received}" : null));
        Assert.Equal([], wrong.OfType<string>());
    }

    [Fact]
    public void Each_row_of_the_page_is_proved()
    {
        string[] own = [.. ErrorPage.Rows.Where(row => row.Value.Proof == Own).Select(row => row.Key).Order(StringComparer.Ordinal)];
        Assert.Equal(
            [.. s_frames.Keys.Concat(s_protobuf.Keys).Concat(s_commands.Keys).Concat(s_requests.Keys).Concat(s_native.Keys)
                .Order(StringComparer.Ordinal)], own);
        Assert.All(s_answers.Keys, static row => Assert.Contains(row, ErrorPage.Rows));
        Assert.All(ErrorPage.Rows.Values.Where(row => row.Proof != Own), row => NamedTests.Expect(row.Proof));
    }

    // Rows that one entry point proves, and why the others cannot be asked from outside, or add nothing.
    private static readonly string[] s_oneWay =
    [
        // Only an application's own methods can do this.
        "a session that fails inside the hub", "whose handler throws an exception", "of the hub, whose client disconnects",
        "of the hub, whose arguments the client rejects", "of the hub, whose arguments are not taken",
        "of the hub, whose result stops arriving", "of the hub, with more results than the client may send",
        "of the hub for one result, with several", "of the hub, with more unread results than allowed",
        "of the hub, with an argument too long for the client's frames", "with items of more bytes than a client's calls may hold",

        // A budget of the whole process decides, or how long a transfer takes in all; transfers know no entry point.
        "a transfer that does not move, while others wait at streams.process-bytes-max", "a transfer over streams.life-limit",
        "a publication in a frame, too long to be shared in one piece, over streams.process-bytes-max",
        "a publication into a durable channel, while histories have all of the disk that they may",
        "whose result is taken for longer than streams.life-limit", "with long arguments, and too many pending",
        "with a long result, and too many bytes are on their way to all clients",

        // A verifier of tokens answers, which knows no entry point.
        "of a connect takes the public key for a secret", "of a connect has an algorithm that is not its key's",
        "of a connect is signed by another issuer's key of the same id", "of a connect is revoked",
        "cannot be verified, as its issuer's keys cannot be fetched",

        // The handler of requests counts bytes or time, and knows no entry point; and a slow client need not take its last push.
        "an emulated command, while more than command-bytes-max of that client waits", "a body that is not whole within a minute",
        "a body, while those of its address, or of all, hold what they may", "nothing wrong, and its client reads too slowly",

        // How much one read has is the kernel's and TLS's to say.
        "more in one read than it may inflate to",

        // All HTTP connections are Kestrel's, whichever port they came to.
        "a request but /health, /ready and /metrics, while all HTTP connections are busy",
    ];

    [Fact]
    public void Each_row_is_tried_by_every_entry_point_or_named_here()
    {
        string[] everyWay =
        [
            .. s_frames.Keys, .. s_protobuf.Keys, .. s_commands.Keys, .. s_requests.Keys, .. s_native.Keys, .. s_answers.Keys,
            .. LimitsEveryWayTests.Rows, .. SlowReadersEveryWayTests.Rows.Keys, .. StreamsEveryWayTests.Rows,
            .. CallsAndTokensEveryWayTests.Calls.Keys, .. CallsAndTokensEveryWayTests.Tokens.Keys,
            .. CallsAndTokensEveryWayTests.Commands.Keys, .. CallsAndTokensEveryWayTests.Deflated.Keys, CallsAndTokensEveryWayTests.Bye,
            CallsAndTokensEveryWayTests.NoExtensions, CallsAndTokensEveryWayTests.TooManyOfUser,
            CallsAndTokensEveryWayTests.RefreshExpired,
            "a first byte that begins no method, or a bare LF, by these ways", "any Host, by the Unix socket",
            "only subprotocols that are not used, or none on the native path, by HTTP/2", "another version of the protocol, by HTTP/2",
        ];

        Assert.Equal([], Rows.Keys.Except(everyWay).Except(s_oneWay));
        Assert.Equal([], everyWay.Concat(s_oneWay).Except(Rows.Keys));
        Assert.Equal([], everyWay.Intersect(s_oneWay));
    }
}
