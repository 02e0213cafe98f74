using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>The native path: heads that lie, messages by the thousand, and answers that nobody fetches.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class NativeAttackTests(ITestOutputHelper output)
{
    private const int SmallWindow = 4096;       // Of one who will not read: the kernel holds little for it.

    private static readonly (string Name, string Value)[] s_impatient = [("BROKER_REACTOR_BLOCKED_LIMIT", "1s"), ("BROKER_REACTOR_CLOSE_LIMIT", "1s")];

    [Fact]
    public async Task Before_hello_an_unfinished_message_holds_no_more_than_the_budget()
    {
        const int count = 1000;
        await using Siege siege = await Siege.BeginAsync(output);
        byte[] big = [.. Wicked.Header(Wicked.Binary, 200_000), .. new byte[100_000]];
        byte[] fragment = [.. Wicked.Header(Wicked.BinaryBegins, 15_000), .. new byte[15_000]];
        await siege.AttackAsync(count, () => siege.OpenAsync(WickedNative.Path, moreFields: WickedNative.Offer("v3.broker")), async (attacker, number) =>
        {
            bool isBig = number % 2 == 0;
            await attacker.TrySendAsync(isBig ? big : fragment, siege.Stop);
            if (isBig) Assert.Equal(1009, await attacker.ReadToEndAsync(siege.Stop));
        });

        await siege.EndAsync("native messages without an end before hello", ceilingMiB: 56);
        Assert.Equal(count / 2, siege.Causes["Violation"]);
    }

    [Theory, InlineData(WayIn.Reactor, 200, 48), InlineData(WayIn.Tls, 100, 64)]
    public async Task Heads_that_lie_and_messages_by_the_thousand_end_only_their_own_connection(WayIn way, int count, int ceilingMiB)
    {
        await using Siege siege = await Siege.BeginAsync(output, way);
        (byte[] Payload, int Code)[] attacks =
        [
            (WickedNative.Message(0x14, uint.MaxValue, new byte[100]), 1007),                                               // Four GiB declared.
            (WickedNative.Message(0x14, int.MaxValue, new byte[100]), 1007),
            (WickedNative.Message(0x14, [1, 0, 0, 0, 0xff, 0xff, .. "short"u8]), 1007),                                     // A name of 65,535 bytes.
            (Wicked.Repeat(WickedNative.Ping(1), 4097), 1008),                                                              // One more than a frame may have.
            (Wicked.Repeat(WickedNative.Message(0x04, []), 40_000), 1007),
        ];
        await siege.AttackAsync(count, () => siege.EnterNativeAsync(), async (attacker, number) =>
        {
            (byte[] payload, int code) = attacks[number % attacks.Length];
            await attacker.TrySendAsync(Wicked.Frame(Wicked.Binary, payload), siege.Stop);
            Assert.Equal(code, await attacker.ReadToEndAsync(siege.Stop));
        });

        await siege.EndAsync("native heads that lie, 4,097 messages in a frame", ceilingMiB);
        Assert.Equal(count, siege.Causes["ClosedByServer"]);
    }

    [Theory, InlineData(WayIn.Reactor, 48), InlineData(WayIn.Tls, 64)]
    public async Task Native_pings_whose_pongs_nobody_fetches_are_bounded_and_end_as_slow(WayIn way, int ceilingMiB)
    {
        const int count = 16;
        await using Siege siege = await Siege.BeginAsync(output, way, s_impatient);
        byte[] pings = Wicked.Frame(Wicked.Binary, Wicked.Repeat(WickedNative.Ping(7), 4096));
        await siege.AttackAsync(count, () => siege.EnterNativeAsync(SmallWindow), (attacker, _) => FloodAsync(siege, attacker, pings));

        await siege.EndAsync("native pings, pongs never read", ceilingMiB);
        Assert.Equal(count, siege.Causes["SlowReader"]);
    }

    [Fact]
    public async Task Native_publications_whose_answers_nobody_fetches_are_bounded_and_end_as_slow()
    {
        const int count = 16;
        await using Siege siege = await Siege.BeginAsync(output, s_impatient);
        byte[] publications = Wicked.Frame(Wicked.Binary, Wicked.Repeat(WickedNative.Publish(5, "flood", new byte[16]), 500));
        await siege.AttackAsync(count, () => siege.EnterNativeAsync(SmallWindow), (attacker, _) => FloodAsync(siege, attacker, publications));

        await siege.EndAsync("native publications, answers never read", ceilingMiB: 192);
        Assert.Equal(count, siege.Causes["SlowReader"]);
    }

    [Fact]
    public async Task A_slow_native_subscriber_who_reads_at_last_is_told_3008()
    {
        await using Siege siege = await Siege.BeginAsync(output, ("BROKER_REACTOR_CLOSE_LIMIT", "30s"), ("BROKER_REACTOR_QUEUE_BYTES_MAX", "64KiB"), ("BROKER_NATIVE_FRAME_BYTES_MAX", "32KiB"));
        byte[] publication = Wicked.Frame(Wicked.Binary, WickedNative.Publish(9, "busy", new byte[8000]));
        using Attacker publisher = await siege.EnterNativeAsync();
        await siege.AttackAsync(1, () => siege.EnterNativeAsync(SmallWindow), async (attacker, _) =>
        {
            await attacker.TrySendAsync(Wicked.Frame(Wicked.Binary, WickedNative.Subscribe(1, "busy")), siege.Stop);
            await attacker.ReadFrameAsync(siege.Stop);
            Task gone = siege.Causes.WaitForAsync(1, siege.Stop);
            while (!gone.IsCompleted)
            {
                Assert.True(await publisher.TrySendAsync(publication, siege.Stop));
                Assert.Equal(Wicked.Binary, (await publisher.ReadFrameAsync(siege.Stop)).First);
            }

            await gone;
            int code = await attacker.ReadToEndAsync(siege.Stop, first => Assert.Equal(Wicked.Binary, first));
            Assert.Equal((3008, "slow"), (code, attacker.CloseReason));
        });

        publisher.Dispose();
        await siege.EndAsync("a native subscriber that reads after the close", ceilingMiB: 32, others: 1);
    }

    // Until the host ends the connection.
    private static async Task FloodAsync(Siege siege, Attacker attacker, byte[] bytes)
    {
        while (await attacker.TrySendAsync(bytes, siege.Stop))
        {
        }
    }
}
