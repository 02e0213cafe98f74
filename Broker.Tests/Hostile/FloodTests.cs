using System.Text;
using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>More than a client may ask for, and answers that no one fetches.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class FloodTests(ITestOutputHelper output)
{
    private const int MiB = 1024 * 1024;
    private const int SmallWindow = 4096;       // Of one who will not read: the kernel holds little for it.

    private static readonly (string Name, string Value) s_patience = ("BROKER_REACTOR_BLOCKED_LIMIT", "1s");

    [Theory, InlineData(WayIn.Reactor, 16, 48), InlineData(WayIn.Tls, 16, 64)]
    public async Task A_ping_flood_without_reading_is_bounded_and_ends_as_slow(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way, s_patience, ("BROKER_REACTOR_CLOSE_LIMIT", "1s"));
        byte[] pings = HostileClient.Repeat(HostileClient.Frame(HostileClient.Ping, new byte[125]), 500);
        await attacked.AttackAsync(
            count, () => attacked.OpenAsync(AttackedHost.EchoPath, SmallWindow), (attacker, _) => FloodAsync(attacked, attacker, pings));

        await attacked.EndAsync("pings, pongs never read", ceilingMiB);
        Assert.Equal(count, attacked.Causes["SlowReader"]);
    }

    [Theory, InlineData(WayIn.Reactor, 16, 64), InlineData(WayIn.Tls, 16, 96)]
    public async Task An_unread_echo_is_bounded_and_ends_as_slow(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way, s_patience, ("BROKER_REACTOR_CLOSE_LIMIT", "1s"));
        byte[] message = HostileClient.Frame(HostileClient.Binary, new byte[64 * 1024]);
        await attacked.AttackAsync(
            count, () => attacked.OpenAsync(AttackedHost.EchoPath, SmallWindow), (attacker, _) => FloodAsync(attacked, attacker, message));

        await attacked.EndAsync("64 KiB echoes, never read", ceilingMiB);
        Assert.Equal(count, attacked.Causes["SlowReader"]);
    }

    [Fact]
    public async Task Unread_publish_replies_are_bounded_and_end_as_slow()
    {
        const int count = 16;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, s_patience, ("BROKER_REACTOR_CLOSE_LIMIT", "1s"));
        byte[] lines =
            HostileClient.Line(
                string.Join('\n',
                    Enumerable.Range(2, 200).Select(id => $"{{\"id\":{id},\"publish\":{{\"channel\":\"flood\",\"data\":{id}}}}}")));
        await attacked.AttackAsync(count, () => attacked.EnterAsync(SmallWindow), (attacker, _) => FloodAsync(attacked, attacker, lines));

        await attacked.EndAsync("publications, replies never read", ceilingMiB: 192);
        Assert.Equal(count, attacked.Causes["SlowReader"]);
    }

    [Fact]
    public async Task A_slow_subscriber_that_reads_again_gets_3008()
    {
        await using AttackedHost attacked =
            await AttackedHost.BeginAsync(output, ("BROKER_REACTOR_CLOSE_LIMIT", "10m"), ("BROKER_REACTOR_QUEUE_BYTES_MAX", "64KiB"));
        byte[] line = HostileClient.Line($"{{\"id\":9,\"publish\":{{\"channel\":\"busy\",\"data\":\"{new string('x', 8000)}\"}}}}");
        using Attacker publisher = await attacked.EnterAsync();
        await attacked.AttackAsync(1, () => attacked.EnterAsync(SmallWindow), async (attacker, _) =>
        {
            await attacker.TrySendAsync(HostileClient.Line("""{"id":2,"subscribe":{"channel":"busy"}}"""), attacked.Stop);
            await attacker.ReadTextAsync(attacked.Stop);
            Task gone = attacked.Causes.WaitForAsync(1, attacked.Stop);
            while (!gone.IsCompleted)
            {
                Assert.True(await publisher.TrySendAsync(line, attacked.Stop));
                Assert.Contains("\"publish\"", await publisher.ReadTextAsync(attacked.Stop), StringComparison.Ordinal);
            }

            await gone;
            int code = await attacker.ReadToEndAsync(attacked.Stop, first => Assert.Equal(HostileClient.Text, first));
            Assert.Equal((3008, "slow"), (code, attacker.CloseReason));
        });

        publisher.Dispose();
        await attacked.EndAsync("a subscriber that reads after the close", ceilingMiB: 32, others: 1);
    }

    /// <remarks>What a socket took of a frame is finished, so that the Close frame behind it is read as one.</remarks>
    [Fact]
    public async Task A_slow_reader_gets_whole_frames_and_then_the_reason()
    {
        const int count = 8;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, s_patience, ("BROKER_REACTOR_CLOSE_LIMIT", "10m"));
        byte[] message = HostileClient.Frame(HostileClient.Binary, new byte[50_000]);
        await attacked.AttackAsync(count, () => attacked.OpenAsync(AttackedHost.EchoPath, SmallWindow), async (attacker, _) =>
        {
            // Asks until the host takes no more, and is then disconnected while it still does not read.
            Task flood = FloodAsync(attacked, attacker, message);
            await attacked.Causes.WaitForAsync(count, attacked.Stop);
            int code = await attacker.ReadToEndAsync(attacked.Stop, first => Assert.Equal(HostileClient.Binary, first));
            Assert.Equal(1008, code);
            await flood;
        });

        await attacked.EndAsync("50 KB echoes, read after the close", ceilingMiB: 64);
        Assert.Equal(count, attacked.Causes["SlowReader"]);
    }

    [Theory, InlineData(WayIn.Reactor, 200, 64), InlineData(WayIn.Tls, 50, 96)]
    public async Task A_subscriber_that_never_reads_is_disconnected_and_costs_no_copy(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way, ("BROKER_REACTOR_CLOSE_LIMIT", "1s"));
        string data = new('x', 8000);
        byte[] line = HostileClient.Line($"{{\"id\":9,\"publish\":{{\"channel\":\"busy\",\"data\":\"{data}\"}}}}");
        await attacked.AttackAsync(count, () => attacked.EnterAsync(SmallWindow), async (attacker, _) =>
        {
            await attacker.TrySendAsync(HostileClient.Line("""{"id":2,"subscribe":{"channel":"busy"}}"""), attacked.Stop);
            Assert.Contains("\"subscribe\"", await attacker.ReadTextAsync(attacked.Stop), StringComparison.Ordinal);
        });

        // The publisher stops when the last of them is gone; each of its replies is fetched.
        using Attacker publisher = await attacked.EnterAsync();
        Task allGone = attacked.Causes.WaitForAsync(count, attacked.Stop);
        while (!allGone.IsCompleted)
        {
            Assert.True(await publisher.TrySendAsync(line, attacked.Stop));
            Assert.Contains("\"publish\"", await publisher.ReadTextAsync(attacked.Stop), StringComparison.Ordinal);
        }

        await allGone;
        publisher.Dispose();
        await attacked.EndAsync("subscribers that never read", ceilingMiB, others: 1);
        Assert.Equal(count, attacked.Causes["SlowReader"]);
    }

    [Fact]
    public async Task Tiny_commands_in_one_frame_are_counted_and_not_unrolled()
    {
        const int count = 100;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        byte[] pongs = HostileClient.Line(string.Join('\n', Enumerable.Repeat("{}", 20_000)));
        byte[] sends = HostileClient.Line(string.Join('\n', Enumerable.Repeat("""{"send":{}}""", 257)));
        byte[] feeds = HostileClient.Line(new string('\n', 60_000));
        await attacked.AttackAsync(count, () => attacked.EnterAsync(), async (attacker, number) =>
        {
            await attacker.TrySendAsync((number % 3) switch { 0 => pongs, 1 => sends, _ => feeds }, attacked.Stop);
            Assert.Equal(3501, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("20,000 commands in one frame", ceilingMiB: 32);
        Assert.Equal(count, attacked.Causes["ClosedByServer"]);
    }

    [Fact]
    public async Task Deep_nesting_is_refused_without_depth()
    {
        const int count = 100, deep = 30_000;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        string[] lines =
        [
            new('[', 2 * deep),
            string.Concat(Enumerable.Repeat("{\"a\":", deep / 3)),
            $"{{\"id\":2,\"publish\":{{\"channel\":\"c\",\"data\":{new string('[', deep)}{new string(']', deep)}}}}}",
            $"{{\"id\":2,\"unknown\":{new string('[', deep)}{new string(']', deep)}}}",
        ];
        await attacked.AttackAsync(count, () => attacked.EnterAsync(), async (attacker, number) =>
        {
            await attacker.TrySendAsync(HostileClient.Line(lines[number % lines.Length]), attacked.Stop);
            Assert.Equal(3501, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("JSON nested 30,000 deep", ceilingMiB: 32);
        Assert.Equal(count, attacked.Causes["ClosedByServer"]);
    }

    /// <remarks>Each write that failed was an error in the log, with where it came from: thousands of lines for a few bytes.</remarks>
    [Fact]
    public async Task Unread_answers_of_HTTP_leave_no_error_in_the_log()
    {
        const int count = 50;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        byte[] requests = HostileClient.Repeat("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), 500);
        await attacked.AttackAsync(count, () => attacked.ConnectAsync(receiveBytes: 4096), async (attacker, _) =>
        {
            await attacker.TrySendAsync(requests, attacked.Stop);
            await attacker.ReadHeadAsync(attacked.Stop);
            attacker.Reset();
        });

        await attacked.EndAsync("requests whose answers nobody fetches", ceilingMiB: 64);
        Assert.Equal(count, attacked.Causes["HandedOver"]);
    }

    [Fact]
    public async Task Channel_names_over_the_limit_get_an_error()
    {
        const int count = 50, names = 400, limit = 128;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        string pad = new('n', 240);
        await attacked.AttackAsync(count, () => attacked.EnterAsync(), async (attacker, number) =>
        {
            for (int first = 0; first < names; first += 100)
            {
                await attacker.TrySendAsync(
                    HostileClient.Line(
                        string.Join('\n',
                            Enumerable.Range(first, 100)
                                .Select(each => $"{{\"id\":{each + 2},\"subscribe\":{{\"channel\":\"{pad}{number}-{each}\"}}}}"))),
                    attacked.Stop);
            }

            int taken = 0, refused = 0;
            while (taken + refused < names)
            {
                string text = await attacker.ReadTextAsync(attacked.Stop);
                Assert.NotEqual("", text);
                taken += text.Split("\"subscribe\"").Length - 1;
                refused += text.Split("\"code\":106").Length - 1;
            }

            Assert.Equal((limit, names - limit), (taken, refused));
        });

        await attacked.EndAsync("400 names of 245 bytes each", ceilingMiB: 64);
    }

    [Fact]
    public async Task Subscribing_and_leaving_again_and_again_leaves_nothing()
    {
        const int count = 20, rounds = 40, pairs = 50;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        await attacked.AttackAsync(count, () => attacked.EnterAsync(), async (attacker, number) =>
        {
            for (int round = 0; round < rounds; round++)
            {
                var lines = new StringBuilder();
                for (int pair = 0; pair < pairs; pair++)
                {
                    // Half of the channels are its own, and new each time; the other half are everyone's.
                    string channel = pair % 2 == 0 ? $"own-{number}-{round}-{pair}" : $"shared-{pair}";
                    lines.Append(pair > 0 ? "\n" : "")
                        .Append($"{{\"id\":{2 * pair + 2},\"subscribe\":{{\"channel\":\"{channel}\"}}}}\n")
                        .Append($"{{\"id\":{2 * pair + 3},\"unsubscribe\":{{\"channel\":\"{channel}\"}}}}");
                }

                await attacker.TrySendAsync(HostileClient.Line(lines.ToString()), attacked.Stop);
                for (int answers = 0; answers < 2 * pairs;)
                {
                    string text = await attacker.ReadTextAsync(attacked.Stop);
                    Assert.NotEqual("", text);
                    Assert.DoesNotContain("\"error\"", text, StringComparison.Ordinal);
                    answers += text.Count(each => each == '\n') + 1;
                }
            }
        });

        await attacked.EndAsync("40,000 subscriptions made and left", ceilingMiB: 64);
    }

    // Until the host ends the connection.
    private static async Task FloodAsync(AttackedHost attacked, Attacker attacker, byte[] bytes)
    {
        while (await attacker.TrySendAsync(bytes, attacked.Stop))
        {
        }
    }
}
