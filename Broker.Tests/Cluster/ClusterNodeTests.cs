using System.Net.Sockets;
using System.Text;
using Akka.Configuration;
using Broker.Cluster.Links;
using Broker.Cluster.Membership;
using Broker.Cluster.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.Tests.Cluster;

/// <summary>Real subscriptions over real links, several nodes in one process.</summary>
public sealed class ClusterNodeTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    // Everything but the addresses: quick, but for a node that gets no processor for a while.
    private static readonly ClusterSettings s_settings = new()
    {
        Secret = "a secret of some length",
        StableAfter = TimeSpan.FromSeconds(1),
        AcceptablePause = TimeSpan.FromSeconds(60),
        SeedPatience = TimeSpan.FromMilliseconds(300),
    };

    private sealed class Node : ILoggerFactory, ILogger, IAsyncDisposable
    {
        private readonly List<string> _lines = [];
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Node(ClusterSettings settings)
        {
            Cluster = new ClusterNode(
                settings, ConfigurationFactory.ParseString("akka.loglevel = ERROR\nakka.log-dead-letters = off"), TimeProvider.System,
                    this);
            Cluster.ViewChanged += _ => Change();
        }

        public ClusterNode Cluster { get; }

        public string Address => Cluster.Port.Address;

        public async Task<Node> StartAsync()
        {
            await Cluster.StartAsync();
            return this;
        }

        // Waits until something holds, looking again with each line of the log and each view.
        public async Task Until(Func<bool> holds, string what)
        {
            using var limit = new CancellationTokenSource(s_limit);
            while (true)
            {
                Task changed;
                lock (_lines) changed = _changed.Task;
                if (holds()) return;
                try
                {
                    await changed.WaitAsync(limit.Token);
                }
                catch (OperationCanceledException)
                {
                    Assert.Fail($"{what} did not come; {Address} says:\n{string.Join('\n', Lines)}");
                }
            }
        }

        public Task UntilMembers(params Node[] nodes) => Until(
            () => Cluster is { IsUp: true, View: { } view }
                && view.Members.Count(static member => member is { State: MemberState.Up, IsReachable: true }) == nodes.Length
                && nodes.All(node => view.Members.Any(member => member.Node.Address == node.Address)),
            $"a view of {nodes.Length} members");

        public string[] Lines
        {
            get
            {
                lock (_lines) return [.. _lines];
            }
        }

        private void Change()
        {
            lock (_lines)
            {
                _changed.TrySetResult();
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines) _lines.Add(formatter(state, exception) + exception);
            Change();
        }

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();

        public void Dispose()
        {
        }
    }

    private static Task<Node> StartAsync(ClusterSettings settings, params string[] seeds) =>
        new Node(settings with { Address = "127.0.0.1:0", Seeds = seeds }).StartAsync();

    [Fact]
    public async Task Three_nodes_form_one_cluster_and_one_leaves_it()
    {
        await using Node first = await StartAsync(s_settings);
        await using Node second = await StartAsync(s_settings, first.Address);
        await using Node third = await StartAsync(s_settings, second.Address, first.Address);
        foreach (Node each in (Node[])[first, second, third]) await each.UntilMembers(first, second, third);

        Assert.True(third.Cluster.TryLeave(second.Address));
        await second.Until(() => second.Cluster.Status.Phase == ClusterPhase.Left, "the leave");
        await first.UntilMembers(first, third);
        await third.UntilMembers(first, third);
    }

    [Fact]
    public async Task A_downed_node_joins_again_as_another_member()
    {
        // So long the old member is taken for alive: as long the new one waits.
        ClusterSettings settings = s_settings with { AcceptablePause = TimeSpan.FromSeconds(5) };
        await using Node first = await StartAsync(settings);
        await using Node second = await StartAsync(settings, first.Address);
        await second.UntilMembers(first, second);
        NodeName before = second.Cluster.View!.Self;

        Assert.True(first.Cluster.TryDown(second.Address));
        await second.Until(() => second.Cluster.View is { IsUp: true } view && view.Self != before, "another membership");
        await first.UntilMembers(first, second);
        Assert.Equal(before.Address, second.Cluster.View!.Self.Address);
        Assert.DoesNotContain(first.Cluster.View!.Members, member => member.Node == before);
    }

    [Fact]
    public async Task A_node_with_another_setting_is_refused_with_the_reason_on_both_sides()
    {
        await using Node first = await StartAsync(s_settings);
        await first.UntilMembers(first);
        foreach ((ClusterSettings different, string reason) in ((ClusterSettings, string)[])
        [
            (s_settings with { Name = "other" }, "of the cluster \"other\""),
            (s_settings with { Partitions = 64 }, "broker.cluster.partitions is 64"),
            (s_settings with { Secret = "not that secret at all" }, "do not have the same secret"),
        ])
        {
            await using Node stranger = await StartAsync(different, first.Address);
            await stranger.Until(() => stranger.Cluster.Status.Waits.Contains(reason, StringComparison.Ordinal), reason);
            await first.Until(() => first.Lines.Any(line => line.Contains(reason, StringComparison.Ordinal)), reason);
            Assert.Equal(ClusterPhase.Joining, stranger.Cluster.Status.Phase);
        }

        Assert.Single(first.Cluster.View!.Members);
    }

    [Fact]
    public async Task Bytes_of_a_stranger_end_that_connection_and_nothing_else()
    {
        await using Node first = await StartAsync(s_settings);
        await using Node second = await StartAsync(s_settings, first.Address);
        await first.UntilMembers(first, second);
        var random = new Random(3);
        for (int round = 0; round < 200; round++)
        {
            byte[] bytes = new byte[random.Next(1, 5000)];
            random.NextBytes(bytes);
            if (round % 3 == 0) bytes = Encoding.ASCII.GetBytes("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            if (round % 3 == 1) bytes = LinkFrames.Make((LinkFrameKind)random.Next(0, 20), bytes.AsSpan(0, Math.Min(bytes.Length, 200)));
            _ = NodeAddress.TryParse(first.Address, out _, out int port);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync("127.0.0.1", port);
            await socket.SendAsync(bytes);
            socket.Shutdown(SocketShutdown.Send);
            try
            {
                byte[] answer = new byte[1024];
                while (await socket.ReceiveAsync(answer) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // It was reset, with bytes unread.
            }
        }

        Assert.True(first.Cluster.View!.Members is [{ IsReachable: true }, { IsReachable: true }]);
        await using Node third = await StartAsync(s_settings, first.Address);
        await third.UntilMembers(first, second, third);
    }
}
