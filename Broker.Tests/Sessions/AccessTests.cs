using Broker.Dialects;
using System.Text;
using Broker.Actors.Access;
using Broker.Actors.Dialects;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Sessions;

/// <summary>Access that takes its time: the client is not read meanwhile, and what it has sent waits in order.</summary>
public sealed class AccessTests
{
    private const string Connect = """{"id":1,"connect":{"token":"t","data":{"a":1}}}""";

    [Fact]
    public void Commands_behind_connect_wait_for_its_answer_in_order()
    {
        var access = new HeldAccess();
        using HubHarness hub = HubWith(access);
        HubClient client = hub.Dial();

        client.Send(Connect, """{"id":2,"subscribe":{"channel":"a"}}""", """{"id":3,"publish":{"channel":"a","data":1}}""");
        hub.RunUntil(() => access.Asked is not null, "access is asked");
        client.Send("""{"id":4,"publish":{"channel":"a","data":2}}""");
        Assert.Empty(client.LinesWithin(8));
        Assert.Equal(("t", """{"a":1}""", "centrifuge"), (Text(access.Asked!.Token), Text(access.Asked.Data), access.Asked.Dialect));

        access.Answer.SetResult(
            AuthenticationResult.Admit("ann") with { Data = """{"b":2}"""u8.ToArray(), ConnectionInfo = """{"c":3}"""u8.ToArray() });

        string received = string.Join('\n', client.NextLines(6));
        Assert.Contains("\"data\":{\"b\":2}", received, StringComparison.Ordinal);
        string[] order = ["\"connect\":{", "{\"id\":2,\"subscribe\":{}}", "\"data\":1", "{\"id\":4,\"publish\":{}}"];
        int[] places = [.. order.Select(each => received.IndexOf(each, StringComparison.Ordinal))];
        Assert.Equal(places.Order(), places);
        Assert.Contains("\"user\":\"ann\"", received, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rejected_client_gets_the_reason_and_later_commands_are_skipped()
    {
        var access = new HeldAccess();
        using HubHarness hub = HubWith(access);
        HubClient client = hub.Dial();
        client.Send(Connect, """{"id":2,"subscribe":{"channel":"a"}}""");
        hub.RunUntil(() => access.Asked is not null, "access is asked");

        access.Answer.SetResult(AuthenticationResult.Reject(HubError.TokenExpired));

        Assert.Equal("""{"id":1,"error":{"code":109,"message":"token expired"}}""", client.NextLine());
        Assert.Empty(client.LinesWithin(8));
        Assert.Null(client.Close);
    }

    [Fact]
    public void Failed_or_silent_access_disconnects_the_client_temporarily()
    {
        foreach (bool answers in new[] { true, false })
        {
            var access = new HeldAccess();
            using HubHarness hub = HubWith(access);
            HubClient client = hub.Dial();
            client.Send(Connect);
            hub.RunUntil(() => access.Asked is not null, "access is asked");

            if (answers) access.Answer.SetException(new InvalidOperationException("The access of the test fails."));
            else hub.Advance(TimeSpan.FromSeconds(11));

            Assert.Equal((3004, "internal server error"), client.NextClose());
        }
    }

    [Fact]
    public void Commands_behind_one_that_access_thinks_about_wait_in_order()
    {
        var access = new HeldAccess { Authorization = new TaskCompletionSource<AuthorizationResult>() };
        using HubHarness hub = HubWith(access);
        access.Answer.SetResult(AuthenticationResult.Anonymous);
        HubClient client = hub.Dial();
        client.Send(Connect);
        Assert.StartsWith("""{"id":1,"connect":{""", client.NextLine(), StringComparison.Ordinal);

        client.Send("""{"id":2,"subscribe":{"channel":"a"}}""", """{"id":3,"unsubscribe":{"channel":"b"}}""");
        Assert.Empty(client.LinesWithin(8));
        access.Authorization.SetResult(AuthorizationResult.Reject(HubError.Application(1234, "not today")));

        Assert.Equal("""{"id":2,"error":{"code":1234,"message":"not today"}}""", client.NextLine());
        Assert.Equal("""{"id":3,"unsubscribe":{}}""", client.NextLine());
    }

    [Fact]
    public void Whatever_is_held_comes_back_in_one_frame_on_defaults()
    {
        using var hub = new HubHarness();
        HubClient client = hub.Dial();
        string[] lines =
            [.. Enumerable.Range(0, 128)
                .Select(i =>
                $$$"""{"id":{{{i + 2}}},"subscribe":{"channel":"{{{i:D3}}}{{{new string('n', 252)}}}","recover":true,"epoch":"abcdefgh","offset":12345}}""")];

        client.Send(["""{"id":1,"connect":{}}""", .. lines]);

        string[] received = client.NextLines(129);
        Assert.Equal(128, received.Count(line => line.EndsWith("\"subscribe\":{}}", StringComparison.Ordinal)));
    }

    [Fact]
    public void More_channels_than_commands_of_a_frame_come_back_all_the_same()
    {
        var settings = new StandardSettings { Clients = new ClientSettings { ChannelsMax = 1000 } };
        using var hub = new HubHarness(settings);
        HubClient client = hub.Dial();

        client.Send([
            """{"id":1,"connect":{}}""",
                .. Enumerable.Range(0, 1000).Select(i => $$$"""{"id":{{{i + 2}}},"subscribe":{"channel":"c{{{i}}}"}}""")]);

        Assert.Equal(1001, client.NextLines(1001).Length);
    }

    [Fact]
    public void However_the_bytes_are_cut_a_client_has_its_limits_behind_connect()
    {
        var settings = new StandardSettings { Clients = new ClientSettings { BytesBeforeConnectMax = 256 } };
        byte[] wire =
            [.. HubClient.Frame("""{"id":1,"connect":{}}"""),
                .. HubClient.Frame($$$"""{"id":2,"publish":{"channel":"a","data":"{{{new string('x', 600)}}}"}}""")];
        using var hub = new HubHarness(settings);
        for (int cut = 1; cut <= wire.Length; cut++)
        {
            HubClient client = hub.Dial();
            client.SendRaw(wire[..cut]);
            hub.Turn(2);
            client.SendRaw(wire[cut..]);

            Assert.StartsWith("""{"id":1,"connect":{""", client.NextLine(), StringComparison.Ordinal);
            Assert.Equal("""{"id":2,"publish":{}}""", client.NextLine());
            client.Dispose();
        }
    }

    private static HubHarness HubWith(IHubAccess access)
    {
        var settings = new StandardSettings();
        return new HubHarness(settings, StandardDialects.Of(settings), access);
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private sealed class HeldAccess : IHubAccess
    {
        public AuthenticationRequest? Asked { get; private set; }

        public TaskCompletionSource<AuthenticationResult> Answer { get; } = new();

        public TaskCompletionSource<AuthorizationResult>? Authorization { get; init; }

        public async ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken)
        {
            Asked = request;
            return await Answer.Task;
        }

        public async ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
            Authorization is null ? AuthorizationResult.Allowed : await Authorization.Task;
    }
}
