using Broker.Dialects.Centrifuge;
using Broker.Dialects;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Broker.Actors.Settings;
using Broker.Host;
using Broker.Host.Composition;
using Broker.Configuration;
using Broker.Host.Settings;
using Broker.Host.Store;
using Broker.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Broker.Tests.Host;

public class BrokerServiceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task It_is_ready_only_between_start_and_drain_and_answers_all_along()
    {
        await using var hub = new PlainHub();
        var output = new StringWriter();
        var settings =
            new HostSettings { Hub =
                new StandardSettings { ShutdownGrace = TimeSpan.FromSeconds(7), Listen = new ListenSettings { Hosts = ["a"] } } };
        await using WebApplication app = BrokerProcess.Build(settings, hub, output, Serilog.Core.Logger.None);
        await app.StartAsync();
        Assert.Equal($"listening on http://{hub.Endpoints[0]}{Environment.NewLine}", output.ToString());

        hub.IsReady = false;
        (TcpClient client, RawSocket server) = await hub.ConnectAsync([], 0);
        Assert.Equal(("HTTP/1.1 503 Service Unavailable", "{\"status\":\"starting\"}"), await AskAsync(client));
        hub.IsReady = true;
        Assert.Equal(("HTTP/1.1 200 OK", "{\"status\":\"ready\"}"), await AskAsync(client));

        Task stopping = app.StopAsync();
        Assert.Equal(TimeSpan.FromSeconds(7), await hub.Stopping.Task.WaitAsync(Limit));
        Assert.Equal(("HTTP/1.1 503 Service Unavailable", "{\"status\":\"draining\"}"), await AskAsync(client));

        hub.Stopped.SetResult();
        await stopping.WaitAsync(Limit);
        server.ExpectClosed();
        client.Dispose();
    }

    [Fact]
    public async Task A_store_that_cannot_write_makes_it_unready_and_counts()
    {
        await using var hub = new PlainHub();
        var settings = new HostSettings { Hub = new StandardSettings { Listen = new ListenSettings { Hosts = ["a"] } } };
        var health = new StoreHealth(static _ => { });
        using var meter = new StoreMeter(health);
        var measured = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter.Scope == health) listening.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => measured[instrument.Name] = value);
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => measured[instrument.Name] = value);
        listener.Start();
        await using WebApplication app = BrokerProcess.Build(
            new LoadedSettings(settings, new SettingsLayers([], []), []), hub, new StringWriter(), Serilog.Core.Logger.None, store: health);
        await app.StartAsync();
        (TcpClient client, RawSocket server) = await hub.ConnectAsync([], 0);

        health.Fail(new IOException("No space left"));
        Assert.Equal(("HTTP/1.1 503 Service Unavailable", "{\"status\":\"store-failing\"}"), await AskAsync(client));
        listener.RecordObservableInstruments();
        Assert.Equal((1L, 1L), (measured["broker.store.failing"], measured["broker.store.write.failures"]));

        health.Recover();
        Assert.Equal(("HTTP/1.1 200 OK", "{\"status\":\"ready\"}"), await AskAsync(client));
        listener.RecordObservableInstruments();
        Assert.Equal((0L, 1L), (measured["broker.store.failing"], measured["broker.store.write.failures"]));

        hub.IsHistoryFailing = true;
        Assert.Equal(("HTTP/1.1 503 Service Unavailable", "{\"status\":\"history-failing\"}"), await AskAsync(client));
        (hub.IsHistoryFailing, hub.IsHistoryFull) = (false, true);
        Assert.Equal(("HTTP/1.1 503 Service Unavailable", "{\"status\":\"history-full\"}"), await AskAsync(client));
        hub.Stopped.SetResult();
        await app.StopAsync();
        server.ExpectClosed();
        client.Dispose();
    }

    [Fact]
    public void The_first_signal_stops_and_the_second_exits_at_once()
    {
        var lifetime = new Lifetime();
        List<int> exits = [];
        int reloads = 0;
        using var signals = new SignalLifetime(lifetime, exits.Add, () => reloads++, Serilog.Core.Logger.None);
        var first = new PosixSignalContext(PosixSignal.SIGTERM);

        signals.Handle(first);
        Assert.True(first.Cancel);
        Assert.Equal(1, lifetime.Stops);
        Assert.Empty(exits);

        signals.Handle(new PosixSignalContext(PosixSignal.SIGINT));
        Assert.Equal(1, lifetime.Stops);
        Assert.Equal([130], exits);
    }

    [Fact]
    public void SIGQUIT_drains_and_SIGHUP_reads_the_settings_again()
    {
        var lifetime = new Lifetime();
        List<int> exits = [];
        int reloads = 0;
        using var signals = new SignalLifetime(lifetime, exits.Add, () => reloads++, Serilog.Core.Logger.None);

        signals.Handle(new PosixSignalContext(PosixSignal.SIGHUP));
        signals.Handle(new PosixSignalContext(PosixSignal.SIGHUP));
        Assert.Equal((2, 0), (reloads, lifetime.Stops));

        signals.Handle(new PosixSignalContext(PosixSignal.SIGQUIT));
        Assert.Equal(1, lifetime.Stops);
        signals.Handle(new PosixSignalContext(PosixSignal.SIGQUIT));
        Assert.Equal([131], exits);
    }

    private static async Task<(string Status, string Body)> AskAsync(TcpClient client)
    {
        using var limit = new CancellationTokenSource(Limit);
        await client.GetStream().WriteAsync("GET /ready HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), limit.Token);
        var answer = new StringBuilder();
        byte[] some = new byte[1024];
        while (!answer.ToString().EndsWith('}'))
        {
            int count = await client.GetStream().ReadAsync(some, limit.Token);
            Assert.NotEqual(0, count);
            answer.Append(Encoding.ASCII.GetString(some, 0, count));
        }

        string text = answer.ToString();
        return (text[..text.IndexOf('\r', StringComparison.Ordinal)], text[(text.LastIndexOf('\n') + 1)..]);
    }

    private sealed class Lifetime : IHostApplicationLifetime
    {
        public int Stops { get; private set; }

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => default;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => Stops++;
    }
}
