using Broker.Actors.Api;
using Broker.Actors.Sessions;
using System.Net;
using System.Text;
using System.Text.Json;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using Broker.AspNetCore.Api;
using Broker.Identity.Revocation;
using Broker.Identity.Settings;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Tests.AspNetCore;

/// <summary>The server API: keys, requests and answers, over a hub that notes what it is asked.</summary>
public sealed class ApiTests
{
    private const string Key = "a long random key";

    private readonly NotingHub _hub = new();
    private readonly RevocationList _revocations = new(10, TimeProvider.System);
    private readonly ApiRoute _route;

    public ApiTests() => _route = new ApiRoute(
        new ApiMethods(_hub, _revocations, "node"), new ApiKeys([Key, "another"]),
            new ApiSettings { BodyBytesMax = 4096, CommandsMax = 3 }, NullLogger.Instance);

    [Theory]
    [InlineData("X-API-Key", Key, 200), InlineData("X-API-Key", "another", 200), InlineData("Authorization", $"apikey {Key}", 200),
        InlineData("Authorization", $"ApiKey {Key}", 200)]
    [InlineData("X-API-Key", "wrong", 401), InlineData("X-API-Key", "", 401), InlineData("Authorization", Key, 401),
        InlineData("Authorization", "apikey wrong", 401), InlineData("Authorization", "Bearer another", 401)]
    public async Task Wants_a_key(string header, string value, int status) =>
        Assert.Equal(status, (await AskAsync("info", "{}", headers: (header, value))).Status);

    [Fact]
    public async Task A_wrong_key_gets_no_detail()
    {
        Assert.Equal((401, ""), await AskAsync("publish", "nonsense", headers: ("X-API-Key", "wrong")));
        Assert.Equal((401, ""), await AskAsync("no_such_method", "{}", headers: ("X-API-Key", "wrong")));
        Assert.Equal(
            (401, ""), await AskAsync(
                "info", "{}",
                    route: new ApiRoute(new ApiMethods(_hub, null, "node"), new ApiKeys([]), new ApiSettings(), NullLogger.Instance)));
    }

    [Fact]
    public async Task Publishes_with_every_member()
    {
        (int status, string body) =
            await AskAsync(
                "publish", """{"channel":"news","data":{"a": 1},"tags":{"k":"v"},"idempotency_key":"i","delta":true,"version":7,"version_epoch":"e","skip_history":true,"unknown":1}""");
        Assert.Equal((200, """{"result":{"offset":5,"epoch":"00000000000000ab"}}"""), (status, body));
        (string channel, PublishRequest request) = Assert.Single(_hub.Published);
        Assert.Equal(
            ("news", """{"a": 1}""", true, "i", true, 7ul, "e", true),
                (channel, Encoding.UTF8.GetString(request.Data.Span), request.IsJson, request.IdempotencyKey, request.Delta,
                    request.Version, request.VersionEpoch, request.SkipHistory));
        Assert.Equal(KeyValuePair.Create("k", "v"), Assert.Single(request.Tags));
    }

    [Fact]
    public async Task Bytes_in_base64_stand_over_json()
    {
        await AskAsync("publish", """{"channel":"news","data":1,"b64data":"AQI="}""");
        Assert.Equal<byte>([1, 2], _hub.Published[0].Request.Data.ToArray());
        Assert.False(_hub.Published[0].Request.IsJson);
    }

    [Fact]
    public async Task Explains_what_became_of_a_publication()
    {
        (int status, string body) = await AskAsync("explain", """{"client":"c","channel":"news","offset":5}""");
        Assert.Equal(
            (200, """{"result":{"reason":"ended_while_sending","text":"Perhaps.","connected":false,"user":"42","queued_bytes":0,"since":1,"up_to":7,"top":9,"code":3008,"time":1500}}"""),
            (status, body));
        await AskAsync("explain", """{"client":"c","channel":"news"}""");
        Assert.Equal(["explain c news 5", "explain c news "], _hub.Notes);
    }

    [Theory]
    [InlineData("explain", """{"channel":"news"}""", "bad request: client is missing")]
    [InlineData("explain", """{"client":"c"}""", "bad request: channel is missing")]
    [InlineData("explain", """{"client":"c","channel":"news","offset":0}""", "bad request: offset begins at 1")]
    [InlineData("explain", """{"client":"c","channel":"news","offset":-1}""", "bad request: offset is not what it has to be")]
    [InlineData("publish", """{"data":1}""", "bad request: channel is missing")]
    [InlineData("publish", """{"channel":"news"}""", "bad request: data is missing")]
    [InlineData("publish", """{"channel":1,"data":1}""", "bad request: channel is not what it has to be")]
    [InlineData("publish", """{"channel":"news","b64data":"%"}""", "bad request: b64data is not what it has to be")]
    [InlineData("broadcast", """{"data":1}""", "bad request: channels are missing")]
    [InlineData("broadcast", """{"channels":["a",""],"data":1}""", "bad request: a channel is empty")]
    [InlineData("disconnect", "{}", "bad request: user is missing")]
    [InlineData("disconnect", """{"user":"42","disconnect":{"code":1000}}""", "bad request: a code of a disconnect is from 3000 to 4999")]
    [InlineData("subscribe", """{"user":"42","channel":"a","expire_at":-1}""", "bad request: expire_at is not a time in seconds")]
    [InlineData("revoke_token", "{}", "bad request: uid is missing")]
    [InlineData("batch", """{"commands":[{"info":{}},{"info":{}},{"info":{}},{"info":{}}]}""", "bad request: more than 3 commands")]
    public async Task A_request_that_makes_no_sense_is_error_107(string method, string body, string message) =>
        Assert.Equal((200, $$$"""{"error":{"code":107,"message":"{{{message}}}"}}"""), await AskAsync(method, body));

    [Fact]
    public async Task An_error_of_the_hub_has_its_code()
    {
        _hub.Failure = new HubApiException(HubError.UnknownChannel, "there is no namespace x");
        Assert.StartsWith(
            """{"error":{"code":102,""", (await AskAsync("presence", """{"channel":"x:a"}""")).Body, StringComparison.Ordinal);
        _hub.Failure = new HubApiException(HubError.NotAvailable, "no history");
        Assert.StartsWith("""{"error":{"code":108,""", (await AskAsync("history", """{"channel":"a"}""")).Body, StringComparison.Ordinal);
        _hub.Failure = new InvalidOperationException("a secret");
        Assert.Equal((200, """{"error":{"code":100,"message":"internal server error"}}"""), await AskAsync("info", "{}"));
    }

    [Fact]
    public async Task Errors_go_to_the_status_where_the_caller_wants_them_there()
    {
        _hub.Failure = new HubApiException(HubError.UnrecoverablePosition, "another epoch");
        (int status, string body) =
            await AskAsync("history", """{"channel":"a"}""", headers: [("X-API-Key", Key), ("X-Centrifugo-Error-Mode", "transport")]);
        Assert.Equal(416, status);
        Assert.Equal(112, JsonDocument.Parse(body).RootElement.GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task Answers_each_channel_of_a_broadcast()
    {
        (_, string body) = await AskAsync("broadcast", """{"channels":["a","x:b"],"data":1}""");
        Assert.Equal(
            """{"result":{"responses":[{"result":{"offset":5,"epoch":"00000000000000ab"}},{"error":{"code":102,"message":"unknown channel"}}]}}""", body);
    }

    [Fact]
    public async Task Manages_connections_of_a_user()
    {
        Assert.Equal(
            (200, """{"result":{}}"""),
                await AskAsync(
                    "subscribe",
                        """{"user":"42","channel":"a","info":{"x":1},"expire_at":1893456000,"recover_since":{"offset":3,"epoch":"00000000000000ab"},"override":{"presence":{"value":true}}}"""));
        await AskAsync("unsubscribe", """{"user":"42","client":"c","channel":"a"}""");
        await AskAsync("disconnect", """{"user":"","whitelist":["c"],"disconnect":{"code":4501,"reason":"go"}}""");
        await AskAsync("disconnect", """{"user":"42"}""");
        await AskAsync("refresh", """{"user":"42","expire_at":1893456000}""");
        Assert.Equal(
        [
            "subscribe 42/ a presence True at 2030-01-01 since 171/3",
            "unsubscribe 42/c a",
            "disconnect / Application 4501 go but c",
            "disconnect 42/ ForceDisconnect 0 force disconnect but ",
            "refresh 42/ 2030-01-01 False",
        ], _hub.Notes);
    }

    [Fact]
    public async Task Reads_presence_history_channels_and_info()
    {
        Assert.Equal(
            """{"result":{"presence":{"c":{"user":"42","client":"c","conn_info":{"a":1}}}}}""",
                (await AskAsync("presence", """{"channel":"a"}""")).Body);
        Assert.Equal("""{"result":{"num_clients":2,"num_users":1}}""", (await AskAsync("presence_stats", """{"channel":"a"}""")).Body);
        Assert.Equal(
            """{"result":{"publications":[{"data":{"x":1},"info":{"user":"42","client":"c"},"offset":4,"tags":{"k":"v"}},{"b64data":"AQI=","offset":5}],"epoch":"00000000000000ab","offset":5}}""",
            (await AskAsync(
                "history", """{"channel":"a","limit":-1,"since":{"offset":3,"epoch":"00000000000000ab"},"reverse":true}""")).Body);
        Assert.Equal(new HistoryQuery(new StreamPosition(0xab, 3), -1, true), _hub.Query);
        Assert.Equal("""{"result":{"channels":{"a":{"num_clients":2}}}}""", (await AskAsync("channels", """{"pattern":"a*"}""")).Body);
        Assert.Equal(
            """{"result":{"nodes":[{"uid":"node","name":"node","version":"1","num_clients":1,"num_users":2,"num_subs":3,"num_channels":4,"uptime":5}]}}""", (await AskAsync("info", "")).Body);
        Assert.Equal("""{"result":{}}""", (await AskAsync("history_remove", """{"channel":"a"}""")).Body);
    }

    [Theory]
    [InlineData("true"), InlineData("false")]
    public async Task Runs_a_batch(string parallel)
    {
        (_, string body) =
            await AskAsync(
                "batch", $$$"""{"parallel":{{{parallel}}},"commands":[{"publish":{"channel":"a","data":1}},{"presence_stats":{"channel":"a"}},{"batch":{}}]}""");
        Assert.Equal(
            """{"replies":[{"publish":{"offset":5,"epoch":"00000000000000ab"}},{"presence_stats":{"num_clients":2,"num_users":1}},{"error":{"code":107,"message":"bad request: a batch holds no batch"}}]}""", body);
    }

    [Fact]
    public async Task Answers_the_form_with_the_method_in_the_body()
    {
        (int status, string body) =
            await AskAsync(
                "", "{\"method\":\"publish\",\"params\":{\"channel\":\"a\",\"data\":1}}\n"
                + "{\"method\":\"nonsense\"}\n{\"method\":\"presence_stats\",\"params\":{\"channel\":\"a\"}}\n");
        Assert.Equal(200, status);
        Assert.Equal(
            "{\"result\":{\"offset\":5,\"epoch\":\"00000000000000ab\"}}\n{\"error\":{\"code\":104,\"message\":\"method not "
                + "found\"}}\n{\"result\":{\"num_clients\":2,\"num_users\":1}}", body);
        Assert.Equal(400, (await AskAsync("", "")).Status);
        Assert.Equal(400, (await AskAsync("", "{} {} {} {}")).Status);
    }

    [Fact]
    public async Task Refuses_what_is_no_request()
    {
        Assert.Equal(400, (await AskAsync("publish", "{")).Status);
        Assert.Equal(400, (await AskAsync("publish", "[]")).Status);
        Assert.Equal(400, (await AskAsync("publish", "{} {}")).Status);
        Assert.Equal(404, (await AskAsync("nonsense", "{}")).Status);
        Assert.Equal((413, "A body has at most 4096 bytes.\n"), await AskAsync("publish", new string(' ', 5000)));
        Assert.Equal(405, (await AskAsync("publish", "", verb: "GET")).Status);
        Assert.Equal((200, """{"error":{"code":104,"message":"method not found"}}"""), await AskAsync("rpc", """{"method":"a"}"""));
    }

    [Fact]
    public async Task Revokes_tokens_and_users()
    {
        await AskAsync("revoke_token", """{"uid":"t1"}""");
        await AskAsync("block_user", """{"user":"42","expire_at":4102444800}""");
        await AskAsync("invalidate_user_tokens", """{"user":"43","issued_before":1893456000}""");
        Assert.True(_revocations.Covers("", "t1", null));
        Assert.True(_revocations.Covers("42", "", null));
        Assert.True(_revocations.Covers("43", "", DateTimeOffset.UnixEpoch));
        await AskAsync("unblock_user", """{"user":"42"}""");
        Assert.False(_revocations.Covers("42", "", null));
    }

    private async Task<(int Status, string Body)> AskAsync(
        string method, string body, string verb = "POST", ApiRoute? route = null, params (string Name, string Value)[] headers)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = verb;
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        foreach ((string name, string value) in headers.Length == 0 ? [("X-API-Key", Key)] : headers) context.Request.Headers[name] = value;
        var answer = new MemoryStream();
        context.Response.Body = answer;
        await (route ?? _route).AnswerAsync(context, method);
        return (context.Response.StatusCode, Encoding.UTF8.GetString(answer.ToArray()));
    }

    private sealed class NotingHub : IHubApi
    {
        private static readonly StreamPosition s_top = new(0xab, 5);

        internal Exception? Failure { get; set; }

        internal List<(string Channel, PublishRequest Request)> Published { get; } = [];

        internal List<string> Notes { get; } = [];

        internal HistoryQuery Query { get; private set; }

        public Task<PublishAnswer> PublishAsync(string channel, PublishRequest request, CancellationToken cancellationToken = default)
        {
            lock (Published) Published.Add((channel, request));
            return Answer(new PublishAnswer(s_top, 1));
        }

        public Task<Explanation> ExplainAsync(
            string client, string channel, ulong? offset = null, CancellationToken cancellationToken = default)
        {
            Notes.Add($"explain {client} {channel} {offset}");
            return Answer(
                new Explanation(ExplanationKind.EndedWhileSending, "Perhaps.")
                    { User = "42", Since = 1, UpTo = 7, Top = 9, Code = 3008, At = DateTimeOffset.FromUnixTimeMilliseconds(1500) });
        }

        public Task<IReadOnlyList<BroadcastAnswer>> BroadcastAsync(
            IReadOnlyList<string> channels, PublishRequest request, CancellationToken cancellationToken = default) =>
            Answer<IReadOnlyList<BroadcastAnswer>>(
                [.. channels.Select(
                    channel => channel.Contains(':', StringComparison.Ordinal) ? new BroadcastAnswer(default, HubError.UnknownChannel)
                        : new BroadcastAnswer(new PublishAnswer(s_top, 1), null))]);

        public Task SubscribeAsync(
            UserConnections target, ServerSubscription subscription, StreamPosition? recoverSince =
                null, CancellationToken cancellationToken = default) =>
            Note($"subscribe {target.User}/{target.Client} {subscription.Channel} presence {subscription.Presence} at "
                + $"{subscription.ExpiresAt:yyyy-MM-dd} since {recoverSince?.Epoch}/{recoverSince?.Offset}");

        public Task UnsubscribeAsync(UserConnections target, string channel, CancellationToken cancellationToken = default) =>
            Note($"unsubscribe {target.User}/{target.Client} {channel}");

        public Task DisconnectAsync(
            UserConnections target, DisconnectReason reason, IReadOnlyCollection<string>? except =
                null, CancellationToken cancellationToken = default) =>
            Note($"disconnect {target.User}/{target.Client} {reason.Kind} {reason.ApplicationCode} {reason.Text} but "
                + $"{string.Join(',', except ?? [])}");

        public Task RefreshAsync(UserConnections target, ConnectionExpiry expiry, CancellationToken cancellationToken = default) =>
            Note($"refresh {target.User}/{target.Client} {expiry.At:yyyy-MM-dd} {expiry.HasExpired}"
                + $"{(expiry.ConnectionInfo is { } info ? $" info of {info.Length}" : "")}");

        public Task<IReadOnlyCollection<ClientInfo>> PresenceAsync(string channel, CancellationToken cancellationToken = default) =>
            Answer<IReadOnlyCollection<ClientInfo>>([new ClientInfo("42", "c") { ConnectionInfo = """{"a":1}"""u8.ToArray() }]);

        public Task<PresenceCounts> PresenceStatsAsync(string channel, CancellationToken cancellationToken = default) =>
            Answer(new PresenceCounts(2, 1));

        public Task<HistoryPage> HistoryAsync(string channel, HistoryQuery query, CancellationToken cancellationToken = default)
        {
            Query = query;
            return Answer(new HistoryPage(s_top,
            [
                new Publication { Data = """{"x":1}"""u8.ToArray(), IsJson = true, Offset = 4, Info = new ClientInfo("42", "c"),
                    Extras = new PublicationExtras { Tags = [KeyValuePair.Create("k", "v")] } },
                new Publication { Data = new byte[] { 1, 2 }, Offset = 5 },
            ]));
        }

        public Task RemoveHistoryAsync(string channel, CancellationToken cancellationToken = default) => Note("remove");

        public Task<IReadOnlyDictionary<string,
            int>> ChannelsAsync(string? pattern = null, CancellationToken cancellationToken = default) =>
            Answer<IReadOnlyDictionary<string, int>>(new Dictionary<string, int> { ["a"] = 2 });

        public Task<HubFigures> InfoAsync(CancellationToken cancellationToken = default) =>
            Answer(new HubFigures(1, 2, 3, 4, "1", TimeSpan.FromSeconds(5)));

        private Task Note(string note)
        {
            Notes.Add(note);
            return Task.CompletedTask;
        }

        private Task<T> Answer<T>(T answer) => Failure is { } failure ? Task.FromException<T>(failure) : Task.FromResult(answer);
    }
}
