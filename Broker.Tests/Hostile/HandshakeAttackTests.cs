using System.Text;
using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>Before the upgrade: the one that has not said a whole request gets little memory and little time.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class HandshakeAttackTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_drip = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task A_handshake_of_a_byte_now_and_then_ends_with_408_at_the_limit()
    {
        const int count = 500;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, ("BROKER_REACTOR_HANDSHAKE_LIMIT", "1s"));
        byte[] head = HostileClient.Upgrade(AttackedHost.HubPath);
        using var clock = new PeriodicTimer(s_drip);
        var drips = new List<Attacker>();
        Task attack = attacked.AttackAsync(count, () => attacked.ConnectAsync(), async (attacker, _) =>
        {
            lock (drips) drips.Add(attacker);
            Assert.StartsWith("HTTP/1.1 408 ", await attacker.ReadHeadAsync(attacked.Stop), StringComparison.Ordinal);
            lock (drips) drips.Remove(attacker);
            await attacker.ReadToEndAsync(attacked.Stop);
        });

        // Another byte for each that is still there, until none is: a whole head would take ten times the limit.
        for (int at = 0; !attack.IsCompleted && await clock.WaitForNextTickAsync(attacked.Stop); at++)
        {
            Attacker[] still;
            lock (drips) still = [.. drips];
            foreach (Attacker attacker in still) await attacker.TrySendAsync(head.AsMemory(at % head.Length, 1), attacked.Stop);
        }

        await attack;
        await attacked.EndAsync("a handshake of one byte each 50 ms, limit 1 s", ceilingMiB: 24);
        Assert.Equal(count, attacked.Causes["HandshakeTimeout"]);
    }

    [Fact]
    public async Task Ten_thousand_half_open_handshakes_cost_little_and_end_at_the_limit()
    {
        const int count = 10_000;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, ("BROKER_REACTOR_HANDSHAKE_LIMIT", "5s"));
        byte[] half = HostileClient.Upgrade(AttackedHost.HubPath).AsSpan(0, 100).ToArray();
        await attacked.AttackAsync(count, () => attacked.ConnectAsync(), async (attacker, _) =>
        {
            await attacker.TrySendAsync(half, attacked.Stop);
            Assert.StartsWith("HTTP/1.1 408 ", await attacker.ReadHeadAsync(attacked.Stop), StringComparison.Ordinal);
        });

        await attacked.EndAsync("10,000 half-open handshakes", ceilingMiB: 64);
        Assert.Equal(count, attacked.Causes["HandshakeTimeout"]);
    }

    [Fact]
    public async Task A_head_is_held_up_to_its_limit_and_not_a_byte_further()
    {
        const int count = 1000, limit = 16 * 1024;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, ("BROKER_REACTOR_HANDSHAKE_LIMIT", "5s"));
        string start = Encoding.ASCII.GetString(HostileClient.Upgrade(AttackedHost.HubPath, "X: "))[..^2];
        byte[] almost = Encoding.ASCII.GetBytes(start.PadRight(limit - 1, 'x'));
        await attacked.AttackAsync(count, () => attacked.ConnectAsync(), async (attacker, number) =>
        {
            await attacker.TrySendAsync(almost, attacked.Stop);
            bool goesOn = number % 2 == 0;
            if (goesOn) await attacker.TrySendAsync(new byte[4096], attacked.Stop);
            string expected = goesOn ? "HTTP/1.1 431 " : "HTTP/1.1 408 ";
            Assert.StartsWith(expected, await attacker.ReadHeadAsync(attacked.Stop), StringComparison.Ordinal);
        });

        await attacked.EndAsync("heads of 16 KiB without an end", ceilingMiB: 72);
        Assert.Equal((count / 2, count / 2), (attacked.Causes["HandshakeTimeout"], attacked.Causes["HandshakeRefused"]));
    }

    /// <remarks>Kestrel's own limits: <c>http.head-limit</c> for the handshake of TLS, and again for the head behind it.</remarks>
    [Fact]
    public async Task Half_a_handshake_of_TLS_or_half_a_head_behind_it_costs_little_and_ends_at_the_limit()
    {
        const int count = 600;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, WayIn.Tls, ("BROKER_HTTP_HEAD_LIMIT", "2s"));
        // A ClientHello of 512 bytes, cut.
        byte[] hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, .. new byte[100]];
        byte[] half = HostileClient.Upgrade(AttackedHost.HubPath).AsSpan(0, 100).ToArray();
        await attacked.AttackAsync(count, () => Attacker.ConnectAsync(attacked.Host.TlsPort, attacked.Stop), async (attacker, number) =>
        {
            if (number % 2 == 0) await attacker.TrySendAsync(hello, attacked.Stop);        // The others say nothing at all.
            await attacker.ReadToEndAsync(attacked.Stop);
        });
        await attacked.AttackAsync(count / 4, () => attacked.ConnectAsync(), async (attacker, _) =>
        {
            await attacker.TrySendAsync(half, attacked.Stop);
            Assert.StartsWith("HTTP/1.1 408 ", await attacker.ReadHeadAsync(attacked.Stop), StringComparison.Ordinal);
        });

        // None of them has come as far as the hub.
        await attacked.EndAsync("half-open handshakes of TLS and heads behind them", ceilingMiB: 64, others: -(count + (count / 4)));
    }
}
