using System.Globalization;
using System.Buffers;
using System.Net;
using System.Text;
using Broker.Actors.Access;
using Broker.Actors.Limits;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Dialects;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Limits;

/// <summary>What clients receive who pass a rate, and what others notice of it: over a whole hub with a clock moved by hand.</summary>
public sealed class LimitSessionTests
{
    private const int Room = 129;       // What a client says at once that comes back to all its channels.

    [Fact]
    public void A_command_beyond_the_rate_is_answered_111_and_a_later_one_is_served()
    {
        using HubHarness hub = Hub(new LimitSettings { Connection = new RateSettings { Commands = 100 } });
        HubClient client = hub.Connect();

        int[] refused = Publish(hub, client, "c", 250);

        Assert.Equal(Enumerable.Range(200, 50), refused);
        Assert.Equal(50, hub.Counters.Limited.Read(LimitScope.Connection, LimitKind.Commands));
        hub.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal(Enumerable.Range(50, 10), Publish(hub, client, "c", 60));
    }

    [Theory]
    [InlineData(LimitScope.User)]
    [InlineData(LimitScope.Address)]
    public void All_connections_of_one_share_its_rate_on_every_loop(LimitScope scope)
    {
        var rates = new SharedRateSettings { Publishes = 10 };
        LimitSettings limits = scope == LimitScope.User ? new() { User = rates } : new() { Address = rates };
        using HubHarness hub = Hub(limits, loops: 2);
        HubClient[] clients = [hub.Connect(loop: 0), hub.Connect(loop: 1)];

        Assert.Empty(Publish(hub, clients[0], "c", 15));
        Assert.Equal(Enumerable.Range(5, 5), Publish(hub, clients[1], "c", 10));
        Assert.Equal(5, hub.Counters.Limited.Read(scope, LimitKind.Publishes));
        hub.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([10], Publish(hub, clients[0], "c", 11));
    }

    [Fact]
    public void A_hostile_client_is_refused_and_an_honest_one_beside_it_is_not()
    {
        using HubHarness hub = Hub(new LimitSettings { Connection = new RateSettings { Publishes = 5 }, RefusedMax = 100 });
        HubClient hostile = hub.Connect(), honest = hub.Connect();
        hostile.Send([.. Enumerable.Range(2, 200).Select(static id => $$"""{"id":{{id}},"publish":{"channel":"c","data":1} }""")]);

        for (int second = 0; second < 10; second++)
        {
            Assert.Empty(Publish(hub, honest, "c", 5));
            hub.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal((3013, "too many requests"), hostile.NextClose());
    }

    [Fact]
    public void A_client_comes_back_to_all_its_channels_whatever_the_rate()
    {
        var slow = new SharedRateSettings { Commands = 1, Subscribes = 1, Bytes = 1 };
        using HubHarness hub = Hub(new LimitSettings { Connection = slow, User = slow, Address = slow });
        HubClient client = hub.Connect();

        client.Send([.. Enumerable.Range(2, Room - 1).Select(static id => $$"""{"id":{{id}},"subscribe":{"channel":"c{{id}}"} }""")]);

        foreach (string line in client.NextLines(Room - 1)) Assert.DoesNotContain("error", line, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unsubscribe_is_served_and_counts()
    {
        using HubHarness hub = Hub(new LimitSettings { Connection = new RateSettings { Commands = 1 }, RefusedMax = 10 });
        HubClient client = hub.Connect();
        client.Send("""{"id":2,"subscribe":{"channel":"c"}}""");
        client.NextLine();
        Publish(hub, client, "d", Room - 1);

        client.Send("""{"id":3,"unsubscribe":{"channel":"c"}}""");
        Assert.Equal("""{"id":3,"unsubscribe":{}}""", client.NextLine());
        client.Send([.. Enumerable.Range(4, 20).Select(static id => $$"""{"id":{{id}},"unsubscribe":{"channel":"c"} }""")]);
        Assert.Equal(3013, client.NextClose().Code);
    }

    [Fact]
    public void Bytes_are_limited_and_one_long_message_passes()
    {
        using HubHarness hub = Hub(new LimitSettings { Connection = new RateSettings { Bytes = 200_000 } });
        HubClient client = hub.Connect();
        string data = new('x', 60_000);

        string[] answers =
            [.. Enumerable.Range(0, 8).Select(_ => Ask(client, $$"""{"id":3,"publish":{"channel":"c","data":"{{data}}"} }"""))];

        Assert.Equal(2, answers.Count(static answer => answer.Contains("\"code\":111", StringComparison.Ordinal)));
        Assert.Equal(2, hub.Counters.Limited.Read(LimitScope.Connection, LimitKind.Bytes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Native_clients_get_their_own_codes(bool hasOwnAccess)
    {
        using HubHarness hub =
            Hub(new LimitSettings { Connection = new RateSettings { Commands = 1 } }, hasOwnAccess ? new AllAreAnn() : null);
        hub.Methods.AddInline("same", static (call, result) => result.Write(call.Arguments));
        NativeClient client = hub.ConnectNative();

        string[] within = Call(Room - 1), beyond = Call(3);
        Assert.All(within, static answer => Assert.StartsWith("result ", answer, StringComparison.Ordinal));
        Assert.Equal(2, beyond.Count(static answer => answer.Contains("Overloaded", StringComparison.Ordinal)));

        client.Send(NativeWriter.Message(new Subscribe { Request = 7, Channel = "c"u8 }));
        Assert.StartsWith("error Request 111 id 7", client.Next(), StringComparison.Ordinal);

        string[] Call(int count)
        {
            client.Send([.. Enumerable.Range(0, count).Select(static i => NativeClient.Call((uint)i, "same", "a"))]);
            return client.Next(count);
        }
    }

    [Fact]
    public void A_user_that_connects_too_often_is_asked_to_retry()
    {
        using HubHarness hub = Hub(new LimitSettings { User = new SharedRateSettings { Connects = 1 } });
        hub.Connect();
        HubClient second = hub.Connect(), third = hub.Dial();

        Assert.Equal(
            """{"id":1,"error":{"code":111,"message":"too many requests","temporary":true}}""", Ask(third, """{"id":1,"connect":{}}"""));
        NativeClient native = hub.DialNative();
        native.Send(NativeClient.Hello());
        Assert.Contains("3013", native.Next(), StringComparison.Ordinal);
        hub.Advance(TimeSpan.FromSeconds(1));
        Assert.StartsWith("""{"id":2,"connect":{"client":""", Ask(third, """{"id":2,"connect":{}}"""), StringComparison.Ordinal);
        Assert.Equal(2, hub.Counters.Limited.Read(LimitScope.User, LimitKind.Connects));
        second.Dispose();
    }

    [Fact]
    public void An_address_that_connects_too_often_is_answered_429_and_when_to_come_back()
    {
        using HubHarness hub = Hub(new LimitSettings { Address = new SharedRateSettings { Connects = 2 } });
        for (int i = 0; i < 4; i++) hub.Connect();

        string answer = hub.DialRefused();

        Assert.StartsWith("HTTP/1.1 429 Too Many Requests\r\n", answer, StringComparison.Ordinal);
        Assert.InRange(RetryAfterOf(answer), 1, 4);
        Assert.Equal(1, hub.Counters.Limited.Read(LimitScope.Address, LimitKind.Connects));
        hub.Advance(TimeSpan.FromSeconds(1));
        hub.Connect();
    }

    [Theory]
    [InlineData("10.0.0.1", "::ffff:10.0.0.1", true)]
    [InlineData("10.0.0.1", "10.0.0.2", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void Addresses_of_one_client_are_one(string first, string second, bool areOne)
    {
        ClientLimits limits =
            ClientLimits.Of(
                new LimitSettings { Address = new SharedRateSettings { Connects = 1 } }, 1, 1, TimeProvider.System, new LimitCounters())!;
        for (int i = 0; i < 2; i++) limits.CheckConnect(IPAddress.Parse(first));

        Assert.Equal(areOne, limits.CheckConnect(IPAddress.Parse(second)) is { Status: 429 });
    }

    [Fact]
    public void Users_and_addresses_are_removed_with_their_last_connection()
    {
        using HubHarness hub =
            Hub(new LimitSettings { User = new SharedRateSettings { Commands = 1 }, Address = new SharedRateSettings { Commands = 1 },
                EntriesMax = 1 });
        HubClient client = hub.Connect();
        Assert.Equal((1, 1), hub.Limits!.Entries);

        client.Dispose();
        hub.RunUntil(() => hub.Counters.Open == 0, "the client has gone");
        hub.Turn(4);

        Assert.Equal((1, 1), hub.Limits.Entries);       // As many as may be, until they are full again and another one comes.
    }

    private static int[] Publish(HubHarness hub, HubClient client, string channel, int count)
    {
        List<int> refused = [];
        for (int i = 0; i < count; i += 100)
        {
            int some = Math.Min(100, count - i);
            client.Send([
                .. Enumerable.Range(0, some).Select(n => $$"""{"id":{{1000 + i + n}},"publish":{"channel":"{{channel}}","data":1} }""")]);
            hub.Turn(2);
            foreach (string line in client.NextLines(some))
            {
                if (line.Contains("\"code\":111", StringComparison.Ordinal))
                    refused.Add(int.Parse(line.AsSpan("{\"id\":".Length, 4), CultureInfo.InvariantCulture) - 1000);
            }
        }

        return [.. refused.Order()];
    }

    private static string Ask(HubClient client, string command)
    {
        client.Send(command);
        return client.NextLine();
    }

    private static int RetryAfterOf(string answer)
    {
        const string Field = "Retry-After: ";
        int start = answer.IndexOf(Field, StringComparison.Ordinal) + Field.Length;
        return int.Parse(answer.AsSpan(start, answer.IndexOf('\r', start) - start), CultureInfo.InvariantCulture);
    }

    private static HubHarness Hub(LimitSettings limits, int loops = 1) => Hub(limits, new AllAreAnn(), loops);

    private static HubHarness Hub(LimitSettings limits, IHubAccess? access, int loops = 1)
    {
        var settings =
            new StandardSettings { Limits = limits, Reactors = loops,
                Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) } };
        return new HubHarness(settings, StandardDialects.Of(settings), access);
    }

    private sealed class AllAreAnn : IHubAccess
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken) =>
            new(AuthenticationResult.Admit("ann"));

        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
            new(AuthorizationResult.Allowed);
    }
}
