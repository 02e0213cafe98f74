using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>The native path: heads that lie, messages by the thousand, and answers that no one fetches.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class NativeAttackTests(ITestOutputHelper output)
{
    private const int SmallWindow = 4096;       // Of one who will not read: the kernel holds little for it.

    private static readonly (string Name, string Value)[] s_impatient =
        [("BROKER_REACTOR_BLOCKED_LIMIT", "1s"), ("BROKER_REACTOR_CLOSE_LIMIT", "1s")];

    [Fact]
    public async Task Before_hello_an_unfinished_message_holds_no_more_than_the_budget()
    {
        const int count = 1000;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        byte[] large = [.. HostileClient.Header(HostileClient.Binary, 200_000), .. new byte[100_000]];
        byte[] fragment = [.. HostileClient.Header(HostileClient.BinaryBegins, 15_000), .. new byte[15_000]];
        await attacked.AttackAsync(
            count, () =>
                attacked.OpenAsync(HostileNativeClient.Path, moreFields: HostileNativeClient.Offer("v3.broker")),
                    async (attacker, number) =>
        {
            bool isLarge = number % 2 == 0;
            await attacker.TrySendAsync(isLarge ? large : fragment, attacked.Stop);
            if (isLarge) Assert.Equal(1009, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("native messages without an end before hello", ceilingMiB: 56);
        Assert.Equal(count / 2, attacked.Causes["Violation"]);
    }

    [Theory, InlineData(WayIn.Reactor, 200, 48), InlineData(WayIn.Tls, 100, 64)]
    public async Task Heads_that_lie_and_messages_by_the_thousand_end_only_their_own_connection(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way);
        (byte[] Payload, int Code)[] attacks =
        [
            // Four GiB declared.
            (HostileNativeClient.Message(0x14, uint.MaxValue, new byte[100]), 1007),
            (HostileNativeClient.Message(0x14, int.MaxValue, new byte[100]), 1007),
            // A name of 65,535 bytes.
            (HostileNativeClient.Message(0x14, [1, 0, 0, 0, 0xff, 0xff, .. "short"u8]), 1007),
            // One more than a frame may have.
            (HostileClient.Repeat(HostileNativeClient.Ping(1), 4097), 1008),
            (HostileClient.Repeat(HostileNativeClient.Message(0x04, []), 40_000), 1007),
        ];
        await attacked.AttackAsync(count, () => attacked.EnterNativeAsync(), async (attacker, number) =>
        {
            (byte[] payload, int code) = attacks[number % attacks.Length];
            await attacker.TrySendAsync(HostileClient.Frame(HostileClient.Binary, payload), attacked.Stop);
            Assert.Equal(code, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("native heads that lie, 4,097 messages in a frame", ceilingMiB);
        Assert.Equal(count, attacked.Causes["ClosedByServer"]);
    }

    [Theory, InlineData(WayIn.Reactor, 48), InlineData(WayIn.Tls, 64)]
    public async Task Unread_native_pongs_are_bounded_and_end_as_slow(WayIn way, int ceilingMiB)
    {
        const int count = 16;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way, s_impatient);
        byte[] pings = HostileClient.Frame(HostileClient.Binary, HostileClient.Repeat(HostileNativeClient.Ping(7), 4096));
        await attacked.AttackAsync(
            count, () => attacked.EnterNativeAsync(SmallWindow), (attacker, _) => FloodAsync(attacked, attacker, pings));

        await attacked.EndAsync("native pings, pongs never read", ceilingMiB);
        Assert.Equal(count, attacked.Causes["SlowReader"]);
    }

    [Fact]
    public async Task Unread_native_publish_replies_are_bounded_and_end_as_slow()
    {
        const int count = 16;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, s_impatient);
        byte[] publications =
            HostileClient.Frame(HostileClient.Binary, HostileClient.Repeat(HostileNativeClient.Publish(5, "flood", new byte[16]), 500));
        await attacked.AttackAsync(
            count, () => attacked.EnterNativeAsync(SmallWindow), (attacker, _) => FloodAsync(attacked, attacker, publications));

        await attacked.EndAsync("native publications, answers never read", ceilingMiB: 192);
        Assert.Equal(count, attacked.Causes["SlowReader"]);
    }

    [Fact]
    public async Task A_slow_native_subscriber_that_reads_again_gets_3008()
    {
        await using AttackedHost attacked =
            await AttackedHost.BeginAsync(
                output, ("BROKER_REACTOR_CLOSE_LIMIT", "10m"), ("BROKER_REACTOR_QUEUE_BYTES_MAX", "64KiB"),
                    ("BROKER_NATIVE_FRAME_BYTES_MAX", "32KiB"));
        byte[] publication = HostileClient.Frame(HostileClient.Binary, HostileNativeClient.Publish(9, "busy", new byte[8000]));
        using Attacker publisher = await attacked.EnterNativeAsync();
        await attacked.AttackAsync(1, () => attacked.EnterNativeAsync(SmallWindow), async (attacker, _) =>
        {
            await attacker.TrySendAsync(HostileClient.Frame(HostileClient.Binary, HostileNativeClient.Subscribe(1, "busy")), attacked.Stop);
            await attacker.ReadFrameAsync(attacked.Stop);
            Task gone = attacked.Causes.WaitForAsync(1, attacked.Stop);
            while (!gone.IsCompleted)
            {
                Assert.True(await publisher.TrySendAsync(publication, attacked.Stop));
                Assert.Equal(HostileClient.Binary, (await publisher.ReadFrameAsync(attacked.Stop)).First);
            }

            await gone;
            int code = await attacker.ReadToEndAsync(attacked.Stop, first => Assert.Equal(HostileClient.Binary, first));
            Assert.Equal((3008, "slow"), (code, attacker.CloseReason));
        });

        publisher.Dispose();
        await attacked.EndAsync("a native subscriber that reads after the close", ceilingMiB: 32, others: 1);
    }

    // Until the host ends the connection.
    private static async Task FloodAsync(AttackedHost attacked, Attacker attacker, byte[] bytes)
    {
        while (await attacker.TrySendAsync(bytes, attacked.Stop))
        {
        }
    }
}
