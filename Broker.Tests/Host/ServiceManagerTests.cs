using System.Collections;
using System.Net;
using System.Threading.Channels;
using Broker.Host.Composition;
using Broker.Host.Hosting;
using Broker.Reactor.Loops;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Host;

public class ServiceManagerTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly Notifier _notifier = new();
    private readonly TurningHub _hub = new();

    [Fact]
    public async Task The_watchdog_is_reset_only_while_every_loop_turns()
    {
        using var service = new ServiceManager(_hub, _notifier, s_limit, _time, Serilog.Core.Logger.None);
        await service.StartedAsync(default);
        Assert.Equal("READY=1", await _notifier.Sent.ReadAsync());
        Assert.Equal("WATCHDOG=1", await _notifier.Sent.ReadAsync());

        var hangs = new TaskCompletionSource();
        _hub.Turn = hangs.Task;
        _time.Advance(s_limit);
        await service.StoppingAsync(default);
        Assert.Equal("STOPPING=1", await _notifier.Sent.ReadAsync());

        hangs.SetResult();
        Assert.Equal("WATCHDOG=1", await _notifier.Sent.ReadAsync());
    }

    [Fact]
    public async Task Without_systemd_nothing_is_sent()
    {
        _notifier.IsEnabled = false;
        using var service = new ServiceManager(_hub, _notifier, s_limit, _time, Serilog.Core.Logger.None);
        await service.StartedAsync(default);
        _time.Advance(s_limit);
        await service.StoppingAsync(default);
        Assert.False(_notifier.Sent.TryRead(out _));
    }

    [Theory]
    [InlineData("30000000", "17", 30.0)]
    [InlineData("30000000", null, 30.0)]
    [InlineData("30000000", "18", null)]
    [InlineData("0", "17", null)]
    [InlineData("much", "17", null)]
    [InlineData(null, "17", null)]
    public void The_watchdog_of_another_process_is_not_ours(string? microseconds, string? id, double? seconds)
    {
        var environment = new Hashtable { ["WATCHDOG_USEC"] = microseconds, ["WATCHDOG_PID"] = id };
        Assert.Equal(seconds, ServiceManager.WatchdogOf(environment, 17)?.TotalSeconds);
    }

    private sealed class Notifier : ISystemdNotifier
    {
        private readonly Channel<string> _sent = Channel.CreateUnbounded<string>();

        public bool IsEnabled { get; set; } = true;

        public ChannelReader<string> Sent => _sent.Reader;

        public void Notify(ServiceState state) => _sent.Writer.TryWrite(state.ToString());
    }

    private sealed class TurningHub : IHub
    {
        public Task Turn { get; set; } = Task.CompletedTask;

        public IReadOnlyList<IPEndPoint> Endpoints => [];

        public bool IsReady => true;

        public int Connections => 0;

        public Task TurnAsync() => Turn;

        public Task StartAsync(Action<HandedOver> plainHttp, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(TimeSpan grace) => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
