using System.IO.Compression;
using System.Text;
using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>Compressed messages that are far longer than they look, or that are none.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class InflateAttackTests(ITestOutputHelper output)
{
    private const byte Compressed = 0x40;
    private const int MiB = 1024 * 1024;
    private const string Offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

    private static readonly (string Name, string Value) s_compression = ("BROKER_COMPRESSION_ENABLED", "on");

    [Theory, InlineData(WayIn.Reactor, 200, 48), InlineData(WayIn.Tls, 100, 64)]
    public async Task A_bomb_is_inflated_to_the_limit_and_not_further(WayIn way, int count, int ceilingMiB)
    {
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way, s_compression);
        byte[] bomb = Deflate(new byte[60 * MiB]);
        Assert.True(bomb.Length < 64 * 1024, $"{bomb.Length} bytes are refused before they are inflated.");
        await attacked.AttackAsync(count, () => attacked.OpenAsync(AttackedHost.HubPath, moreFields: Offer), async (attacker, number) =>
        {
            // Half of them are unknown clients, who may send 16 KiB at all; of a bomb so short comes less, and still too much.
            bool isStranger = number % 2 == 0;
            if (!isStranger) await attacker.SendConnectAsync(attacked.Stop);
            byte[] message = isStranger ? Deflate(new byte[15 * MiB]) : bomb;
            await attacker.TrySendAsync(HostileClient.Frame(HostileClient.Text | Compressed, message), attacked.Stop);
            Assert.Equal(1009, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("60 MiB in 60 KiB, inflated", ceilingMiB);
        Assert.Equal(count, attacked.Causes["Violation"]);
    }

    /// <remarks>
    /// Each is within the limit and good; but many of them come in one read, what they ask for is held until it is done, and
    /// others wait for the loop too. (Kestrel's reads are shorter, so that by TLS the bound of commands under way comes first.)
    /// </remarks>
    [Fact]
    public async Task Long_messages_in_a_few_bytes_end_at_what_one_read_may_inflate_to()
    {
        const int count = 32;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, s_compression);
        byte[] publication =
            Encoding.ASCII.GetBytes($"{{\"id\":2,\"publish\":{{\"channel\":\"c\",\"data\":\"{new string('x', 60_000)}\"}}}}");
        byte[] many = HostileClient.Repeat(HostileClient.Frame(HostileClient.Text | Compressed, Deflate(publication)), 300);
        Assert.True(many.Length < 64 * 1024, $"{many.Length} bytes are more than one read.");
        await attacked.AttackAsync(
            count, async () =>
                await (await attacked.OpenAsync(AttackedHost.HubPath, moreFields: Offer)).SendConnectAsync(attacked.Stop),
                    async (attacker, _) =>
        {
            Task reading = attacker.ReadToEndAsync(attacked.Stop);
            await attacker.TrySendAsync(many, attacked.Stop);
            await reading;
            Assert.Equal(1008, attacker.CloseCode);
        });

        await attacked.EndAsync("300 publications of 60 KB in 40 KB, inflated", ceilingMiB: 128);
        Assert.Equal(count, attacked.Causes["Violation"]);
    }

    [Theory, InlineData(WayIn.Reactor, 300, 40), InlineData(WayIn.Tls, 100, 64)]
    public async Task Noise_marked_as_compressed_ends_only_its_own_connection(WayIn way, int count, int ceilingMiB)
    {
        const int seed = 20260302;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, way, s_compression);
        output.WriteLine($"seed {seed}");
        await attacked.AttackAsync(count, () => attacked.OpenAsync(AttackedHost.EchoPath, moreFields: Offer), async (attacker, number) =>
        {
            byte[] noise = new byte[4096];
            new Random(seed + number).NextBytes(noise);
            noise[0] |= 0b110;      // A block of the type that is reserved, if nothing else.
            await attacker.TrySendAsync(HostileClient.Frame(HostileClient.Binary | Compressed, noise), attacked.Stop);
            Assert.Equal(1007, await attacker.ReadToEndAsync(attacked.Stop));
        });

        await attacked.EndAsync("4 KiB of noise as compressed data", ceilingMiB);
        Assert.Equal(count, attacked.Causes["Violation"]);
    }

    [Fact]
    public async Task Half_of_a_compressed_message_holds_what_came_and_no_decompressor()
    {
        const int count = 1000;
        await using AttackedHost attacked = await AttackedHost.BeginAsync(output, s_compression);
        byte[] half = HostileClient.Frame(HostileClient.TextBegins | Compressed, Deflate(new byte[4 * MiB]));
        await attacked.AttackAsync(
            count, () => attacked.OpenAsync(AttackedHost.HubPath, moreFields: Offer), async (attacker, _) =>
                Assert.True(await attacker.TrySendAsync(half, attacked.Stop)));

        await attacked.EndAsync("4 KiB of a compressed message without an end", ceilingMiB: 48);
        Assert.Equal(count + 1, attacked.Causes["EndOfStream"]);
    }

    // As a message of permessage-deflate whose last block is final, which is allowed: RFC 7692 section 7.2.3.4.
    private static byte[] Deflate(byte[] message)
    {
        using var target = new MemoryStream();
        using (var deflate = new DeflateStream(target, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(message);
        return target.ToArray();
    }
}
