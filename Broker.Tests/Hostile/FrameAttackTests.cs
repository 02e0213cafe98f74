using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>Frames that lie, that never end, or that are noise.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class FrameAttackTests(ITestOutputHelper output)
{
    private const int MiB = 1024 * 1024;

    [Theory, InlineData(WayIn.Reactor, 1000, 48), InlineData(WayIn.Tls, 200, 64)]
    public async Task A_declared_length_is_not_memory(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way);      // Sixteen MiB are declared by each.
        byte[] start = [.. HostileClient.Header(HostileClient.Binary, 16 * MiB), .. new byte[1000]];
        await attacked.AttackAsync(
            count, AttackedHost.EchoPath, async (attacker, _) => Assert.True(await attacker.TrySendAsync(start, attacked.Stop)));

        await attacked.EndAsync("16 MiB declared, 1 KB sent", ceilingMiB);
        Assert.Equal(count + 1, attacked.Causes["EndOfStream"]);
    }

    [Fact]
    public async Task Before_connect_an_unfinished_message_holds_no_more_than_the_budget()
    {
        const int count = 1000;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        byte[] large = [.. HostileClient.Header(HostileClient.Text, 60_000), .. HostileClient.Repeat("x"u8.ToArray(), 59_000)];
        byte[] fragment = [.. HostileClient.Header(HostileClient.TextBegins, 15_000), .. HostileClient.Repeat("x"u8.ToArray(), 15_000)];
        await attacked.AttackAsync(count, AttackedHost.HubPath, async (attacker, number) =>
        {
            bool isLarge = number % 2 == 0;
            await attacker.TrySendAsync(isLarge ? large : fragment, attacked.Stop);
            if (isLarge) Assert.Equal(1009, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("messages without an end before connect", ceilingMiB: 56);
        Assert.Equal(count / 2, attacked.Causes["Violation"]);
    }

    [Fact]
    public async Task Lengths_that_no_memory_holds_are_refused_by_their_header()
    {
        const int count = 300;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output);
        ulong[] lengths = [1UL << 63, ulong.MaxValue, (1UL << 63) - 1];
        int[] codes = [1002, 1002, 1009];
        await attacked.AttackAsync(count, AttackedHost.HubPath, async (attacker, number) =>
        {
            await attacker.TrySendAsync(HostileClient.Header(HostileClient.Binary, lengths[number % 3]), attacked.Stop);
            Assert.Equal(codes[number % 3], await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("lengths of 2^63, 2^64 - 1 and 2^63 - 1", ceilingMiB: 24);
        Assert.Equal(count, attacked.Causes["Violation"]);
    }

    [Theory, InlineData(WayIn.Reactor, 200, 40), InlineData(WayIn.Tls, 100, 64)]
    public async Task Endless_fragments_end_at_their_number_and_at_their_sum(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way);
        byte[] empty = HostileClient.Repeat(HostileClient.Frame(HostileClient.Continuation, []), 2000);
        byte[] full = HostileClient.Repeat(HostileClient.Frame(HostileClient.Continuation, new byte[250]), 2000);
        await attacked.AttackAsync(count, () => attacked.EnterAsync(), async (attacker, number) =>
        {
            bool isEmpty = number % 2 == 0;
            await attacker.TrySendAsync(HostileClient.Frame(HostileClient.BinaryBegins, [1]), attacked.Stop);
            await attacker.TrySendAsync(isEmpty ? empty : full, attacked.Stop);
            Assert.Equal(isEmpty ? 1008 : 1009, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("endless fragments, empty and full", ceilingMiB);
        Assert.Equal(count, attacked.Causes["Violation"]);
    }

    [Theory, InlineData(WayIn.Reactor, 500, 40), InlineData(WayIn.Tls, 200, 64)]
    public async Task Noise_after_the_handshake_ends_only_its_own_connection(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way, ("BROKER_REACTOR_CLOSE_LIMIT", "1s"));
        const int seed = 20260301;
        output.WriteLine($"seed {seed}");
        await attacked.AttackAsync(count, () => attacked.OpenAsync(AttackedHost.EchoPath), async (attacker, number) =>
        {
            byte[] noise = new byte[8192];
            new Random(seed + number).NextBytes(noise);
            if (number % 2 == 0) (noise[0], noise[1]) = (HostileClient.Text, 0x85);       // Some begin well.
            await attacker.TrySendAsync(noise, attacked.Stop);
            attacker.EndSending();
            await attacker.ReadToEndAsync(attacked.Stop);
        });

        await attacked.EndAsync("8 KiB of noise after the handshake", ceilingMiB);
    }

    [Theory, InlineData(WayIn.Reactor, 1000, 64), InlineData(WayIn.Tls, 200, 64)]
    public async Task Resets_in_the_middle_of_everything_leave_nothing(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way);
        byte[] request = HostileClient.Upgrade(AttackedHost.HubPath);
        byte[] subscribe = HostileClient.Line("""{"id":2,"subscribe":{"channel":"doomed"}}""");
        byte[] publish = HostileClient.Line("""{"id":3,"publish":{"channel":"doomed","data":"last words"}}""");
        await attacked.AttackAsync(count, () => attacked.ConnectAsync(), async (attacker, number) =>
        {
            // A connection that is reset before it is answered may end in Kestrel, and the hub never learn of it.
            int point = way == WayIn.Reactor ? number % 8 : 2 + (number % 6);
            await attacker.TrySendAsync(request.AsMemory(0, point == 0 ? request.Length / 2 : request.Length), attacked.Stop);
            if (point > 1) await attacker.ReadHeadAsync(attacked.Stop);
            if (point > 2) await attacker.TrySendAsync(HostileClient.Line("""{"id":1,"connect":{}}"""), attacked.Stop);
            if (point > 3) await attacker.ReadTextAsync(attacked.Stop);
            if (point > 4) await attacker.TrySendAsync(subscribe, attacked.Stop);
            if (point > 5) await attacker.TrySendAsync(HostileClient.Repeat(publish, 20), attacked.Stop);
            if (point > 6) await attacker.TrySendAsync(publish.AsMemory(0, 30), attacked.Stop);
            attacker.Reset();
        });

        await attacked.EndAsync("resets at eight points of a session", ceilingMiB);
    }
}
