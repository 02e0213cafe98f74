using System.Globalization;
using System.Net;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile;

/// <summary>
/// The eleven root causes behind the security advisories of systems like this one, each with what keeps it away here: tests
/// of this class, and tests of others that have to be there. What is not built yet is sent in docs/SECURITY.md.
/// </summary>
public sealed class RootCauseTests(SharedHost shared) : IClassFixture<SharedHost>
{
    [Theory]
    [InlineData("HandshakeAttackTests.A_head_is_held_up_to_its_limit_and_not_a_byte_further")]
    [InlineData("HandshakeAttackTests.Ten_thousand_half_open_handshakes_cost_little_and_end_at_the_limit")]
    [InlineData("FrameAttackTests.Before_connect_an_unfinished_message_holds_no_more_than_the_budget")]
    [InlineData("NativeAttackTests.Before_hello_an_unfinished_message_holds_no_more_than_the_budget")]
    [InlineData("HandshakeAttackTests.Half_a_handshake_of_TLS_or_half_a_head_behind_it_costs_little_and_ends_at_the_limit")]
    [InlineData("InflateAttackTests.Half_of_a_compressed_message_holds_what_came_and_no_decompressor")]
    [InlineData("EngineSizesTests.An_unfinished_message_is_held_to_the_first_size")]
    [InlineData("LimitTests.A_client_that_does_not_connect_in_time_gets_3502")]
    public void Class_01_memory_before_auth(string test) => NamedTests.Expect(test);

    [Theory]
    [InlineData("FrameAttackTests.A_declared_length_is_not_memory")]
    [InlineData("FrameAttackTests.Lengths_that_no_memory_holds_are_refused_by_their_header")]
    [InlineData("NativeAttackTests.Heads_that_lie_and_messages_by_the_thousand_end_only_their_own_connection")]
    public void Class_02_declared_length_trusted(string test) => NamedTests.Expect(test);

    [Theory]
    [InlineData("FrameAttackTests.Endless_fragments_end_at_their_number_and_at_their_sum")]
    [InlineData("FloodTests.Tiny_commands_in_one_frame_are_counted_and_not_unrolled")]
    [InlineData("FloodTests.Deep_nesting_is_refused_without_depth")]
    [InlineData("FloodTests.A_subscriber_that_never_reads_is_disconnected_and_costs_no_copy")]
    [InlineData("InflateAttackTests.A_bomb_is_inflated_to_the_limit_and_not_further")]
    [InlineData("InflateAttackTests.Long_messages_in_a_few_bytes_end_at_what_one_read_may_inflate_to")]
    [InlineData("BacklogTests.Small_replies_in_a_backlog_hold_about_as_many_bytes_as_are_counted")]
    public void Class_03_amplification_by_batching_fragments_or_inflate(string test) => NamedTests.Expect(test);

    [Theory]
    [InlineData("ClosingTests.A_failing_handler_still_closes_behind_its_replies")]
    [InlineData("FrameAttackTests.Noise_after_the_handshake_ends_only_its_own_connection")]
    [InlineData("FrameAttackTests.Resets_in_the_middle_of_everything_leave_nothing")]
    [InlineData("CorpusTests.No_kept_input_is_a_finding")]
    public void Class_04_one_bad_client_kills_the_process(string test) => NamedTests.Expect(test);

    [Theory]
    [InlineData("LimitTests.Where_clients_may_not_publish_or_subscribe_every_road_is_refused_with_103")]
    public void Class_05_second_path_without_the_same_check(string test) => NamedTests.Expect(test);

    [Fact]
    public async Task Class_06_state_that_outlives_revocation_a_left_channel_is_silent_from_its_reply_on()
    {
        const int rounds = 50;
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using Attacker listener = await Attacker.EnterAsync(shared.Process.Port, limit.Token);
        using Attacker publisher = await Attacker.EnterAsync(shared.Process.Port, limit.Token);
        string publish =
            string.Join('\n', Enumerable.Range(10, 50).Select(id => $"{{\"id\":{id},\"publish\":{{\"channel\":\"left\",\"data\":{id}}}}}"));
        for (int round = 0; round < rounds; round++)
        {
            // Publications are under way while the listener leaves, comes back and leaves.
            await listener.TrySendAsync(HostileClient.Line("""{"id":2,"subscribe":{"channel":"left"}}"""), limit.Token);
            await publisher.TrySendAsync(HostileClient.Line(publish), limit.Token);
            await listener.TrySendAsync(HostileClient.Line("""{"id":3,"unsubscribe":{"channel":"left"}}"""), limit.Token);
            string received = "";
            while (!received.Contains("\"id\":3", StringComparison.Ordinal)) received += await listener.ReadTextAsync(limit.Token) + "\n";
            await listener.TrySendAsync(HostileClient.Line("""{"id":4,"rpc":{"method":"after"}}"""), limit.Token);
            while (!received.Contains("\"id\":4", StringComparison.Ordinal)) received += await listener.ReadTextAsync(limit.Token) + "\n";
            Assert.DoesNotContain("push", received[received.IndexOf("\"id\":3", StringComparison.Ordinal)..], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Class_07_identity_by_client_chosen_string_only_the_hub_names_a_client()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using Attacker client = await Attacker.OpenAsync(shared.Process.Port, AttackedHost.HubPath, limit.Token);
        string connect =
            """{"id":1,"connect":{"client":"admin","user":"admin","name":"admin","data":{"user":"admin"},"info":{"user":"admin"}}}""";
        string subscribe = """{"id":2,"subscribe":{"channel":"who"}}""";
        string publish =
            """{"id":3,"publish":{"channel":"who","data":1,"info":{"user":"admin"},"client":"admin","user":"admin","tags":{"user":"admin"}}}""";
        await client.TrySendAsync(
            (byte[])[.. HostileClient.Line(connect), .. HostileClient.Line(subscribe), .. HostileClient.Line(publish)], limit.Token);
        string received = "";
        while (!received.Contains("\"push\"", StringComparison.Ordinal)) received += await client.ReadTextAsync(limit.Token) + "\n";
        Assert.DoesNotContain("admin", received, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Class_08_trust_in_unverified_token_fields_a_token_is_refused_while_none_can_be_verified()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using Attacker client = await Attacker.OpenAsync(shared.Process.Port, AttackedHost.HubPath, limit.Token);

        // Its header says that it is not signed at all, and its body that it is someone.
        string token = $"{Convert.ToBase64String("{\"alg\":\"none\"}"u8)}.{Convert.ToBase64String("{\"sub\":\"admin\"}"u8)}.";
        await client.TrySendAsync(HostileClient.Line($"{{\"id\":1,\"connect\":{{\"token\":\"{token}\"}}}}"), limit.Token);
        Assert.Equal(3500, await client.ReadToEndAsync(limit.Token));
    }

    [Theory]
    [InlineData("SettingsLayersTests.Unknown_clients_come_in_from_elsewhere_only_by_wish")]
    public void Class_09_unsafe_defaults_or_flags(string test) => NamedTests.Expect(test);

    [Fact]
    public void Class_10_there_is_no_weaker_inter_node_port()
    {
        string[] sockets =
        [
            .. new DirectoryInfo($"/proc/{shared.Process.Id}/fd").EnumerateFiles()
                .Select(file => file.LinkTarget ?? "").Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
                .Select(target => target[8..^1]),
        ];
        var listening = new HashSet<string>();
        foreach (string table in (string[])["tcp", "tcp6", "udp", "udp6"])
        {
            // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode; state 0A listens, and 07 is UDP's.
            foreach (string[] row in File.ReadLines($"/proc/{shared.Process.Id}/net/{table}").Skip(1)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            {
                if (row[3] is "0A" or "07" && sockets.Contains(row[9])) listening.Add($"{table} {row[1]}");
            }
        }

        string loopback = Convert.ToHexString([.. IPAddress.Loopback.GetAddressBytes().Reverse()]);
        Assert.Equal([string.Create(CultureInfo.InvariantCulture, $"tcp {loopback}:{shared.Process.Port:X4}")], listening);
    }

    /// <remarks>A cure is tried on every road that leads to what it cures: every cut, every form, every kept input.</remarks>
    [Theory]
    [InlineData("CorpusTests.No_kept_input_is_a_finding")]
    [InlineData("ErrorTableTests.Each_row_of_the_page_is_proved")]
    [InlineData("OutboundQueueTests.The_rest_of_a_message_that_began_elsewhere_is_kept")]
    [InlineData("FloodTests.A_slow_reader_gets_whole_frames_and_then_the_reason")]
    public void Class_11_incomplete_first_fix(string test) => NamedTests.Expect(test);
}
