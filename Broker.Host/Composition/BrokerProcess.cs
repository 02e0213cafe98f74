using Broker.Actors.Calls.Methods;
using Broker.Dialects;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.AspNetCore;
using Broker.AspNetCore.Api;
using Broker.Configuration;
using Broker.Core.Upgrade;
using Broker.Host.Hosting;
using Broker.Host.Http;
using Broker.Host.Logging;
using Broker.Host.Memory;
using Broker.Host.Reloading;
using Broker.Host.Settings;
using Broker.Host.Store;
using Broker.Host.Tls;
using Broker.Host.UnixSockets;
using Broker.Store;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Hosting.Systemd;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Serilog;
using Serilog.Extensions.Logging;
using Serilog.Core;
using Serilog.Events;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Composition;

/// <summary>The whole process: the hub on the public port, Kestrel behind it, the log beside them.</summary>
public static class BrokerProcess
{
    // Over the grace: for Kestrel's own end, and so that a hub that keeps its word is never cut short.
    private static readonly TimeSpan StopMargin = TimeSpan.FromSeconds(10);

    /// <summary>Serves until a signal.</summary>
    /// <param name="loaded">Settings that have been checked.</param>
    /// <param name="makeHub">Makes the hub.</param>
    /// <param name="output">Gets the lines that say where the hub listens.</param>
    /// <param name="error">Gets the reason if the process cannot start.</param>
    /// <param name="stop">Asks for the same graceful end as a signal.</param>
    /// <returns>0 after a graceful end, 1 if it could not start or could not end well.</returns>
    public static async Task<int> ServeAsync(
        LoadedSettings loaded, HubFactory makeHub, TextWriter output, TextWriter error, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(loaded);
        ArgumentNullException.ThrowIfNull(makeHub);
        ArgumentNullException.ThrowIfNull(error);
        HostSettings settings = loaded.Settings;
        using HostLog log = LogSetup.Create(settings.Log);
        Log.Logger = log.Logger;
        Warn(loaded, log.Logger);
        RuntimeThreads.StartEarly();
        bool started = false;
        try
        {
            using StoreService? store =
                StoreService.Open(
                    settings.Store, new ClientAddresses(settings.Hub.Listen.Proxies.ToTrust()), notice =>
                        log.Logger.Write(notice.IsError ? LogEventLevel.Error : LogEventLevel.Warning, "{Notice:l}", notice.Text));
            using StoreMeter? storeMeter = store is null ? null : new StoreMeter(store.Health);
            using var logs = new SerilogLoggerFactory(log.Logger);
            using TracerProvider? traces =
                TraceExport.Start(settings.Traces, typeof(Broker.Actors.Hub).Assembly.GetName().Version!.ToString(3));
            using var identity = new IdentityService(settings, logs, TimeProvider.System);
            IReadOnlyList<IMethodSource> methods = [.. store is null ? [] : (IMethodSource[])[store], .. identity.Methods];
            await using IHub hub = makeHub(
                identity.Complete(settings.Hub), loaded.Layers.ToConfig().WithFallback(LogSetup.AkkaConfig(settings.Log)), methods,
                    identity.Access);
            await using ClusterService? cluster =
                ClusterService.Open(
                    settings.Cluster, ClientSettings.MessageBytesLimit, LogSetup.AkkaConfig(settings.Log), TimeProvider.System, logs);
            if (cluster is not null)
            {
                hub.JoinCluster(cluster.Nodes);
                cluster.Share(identity.Revocations);
            }

            await using WebApplication app =
                Build(loaded, hub, output, log.Logger, log.Levels, store?.Health,
                    identity.Attach(cluster is null ? hub.Api : cluster.ApiOver(hub.Api), cluster), identity.KeysPart, cluster);
            using CancellationTokenRegistration noted = app.Lifetime.ApplicationStarted.Register(() => started = true);
            await app.RunAsync(stop).ConfigureAwait(false);
            return 0;
        }
        catch (OperationCanceledException) when (!started)
        {
            return 0; // Asked to stop before it had started.
        }
#pragma warning disable CA1031 // The last place where a failure can be told; whatever it is, the process ends with it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            log.Logger.Debug(failure, "The process ends");
            string reason = (failure is StoreException or IOException ? failure : failure.GetBaseException()).Message;
            await error.WriteLineAsync($"broker: {VisibleText.Of(reason)}").ConfigureAwait(false);
            return 1;
        }
    }

    /// <summary>Wires everything together with settings that came from nowhere, so that a reload has nothing to read.</summary>
    public static WebApplication Build(HostSettings settings, IHub hub, TextWriter output, ILogger log) =>
        Build(new LoadedSettings(settings, new SettingsLayers([], []), []), hub, output, log);

    /// <summary>Wires hub, HTTP, signals and log together.</summary>
    /// <param name="loaded">Settings that have been checked, and how to read them again.</param>
    /// <param name="hub">The hub.</param>
    /// <param name="output">Gets the lines that say where the hub listens.</param>
    /// <param name="log">The process's log.</param>
    /// <param name="levels">What may be changed about the log.</param>
    /// <param name="store">How the store is, where there is one.</param>
    /// <param name="api">Answers the server API, where there is one.</param>
    /// <param name="keys">Takes changed keys of that.</param>
    /// <param name="cluster">The cluster that the hub is in, if any.</param>
    internal static WebApplication Build(
        LoadedSettings loaded,
        IHub hub,
        TextWriter output,
        ILogger log,
        LevelTable? levels = null,
        StoreHealth? store = null,
        ApiRoute? api = null,
        ReloadPart? keys = null,
        ClusterService? cluster = null)
    {
        ArgumentNullException.ThrowIfNull(loaded);
        ArgumentNullException.ThrowIfNull(hub);
        HostSettings settings = loaded.Settings;

        // Empty: no files, no variables and no arguments may bind Kestrel to an address behind the hub's back.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        var inbox = new HandedOverInbox(settings.Http.WaitingMax);
        var certificate = new CurrentCertificate(log, TimeProvider.System);
        TimeSpan grace = settings.Hub.ShutdownGrace;
        IServer? kestrel = null;
        var service = new BrokerService(hub, inbox, () => AddressesOf(kestrel!, settings), grace, output, log) { Cluster = cluster };
        var hosts = new HostRules(settings);
        var reloader =
            new Reloader(loaded, [.. PartsOf(settings, hub, levels, certificate, hosts), .. keys is null ? (ReloadPart[])[] : [keys]], log);
        builder.Services.AddSerilog(log);
        builder.Services.AddSingleton(log);
        builder.Services.AddSingleton(_ => certificate);
        builder.Services.AddSingleton(static _ => MetricsRoute.Listen());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = grace + StopMargin + (cluster?.LeaveLimit ?? TimeSpan.Zero));
        builder.Services.AddSingleton<IHostLifetime>(services => new SignalLifetime(
            services.GetRequiredService<IHostApplicationLifetime>(), Environment.Exit, reloader.Reload, log));
        builder.Services.AddHostedService(_ => service);
        builder.Services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
        builder.Services.AddHostedService(services => new ServiceManager(
            hub, services.GetRequiredService<ISystemdNotifier>(),
            ServiceManager.WatchdogOf(Environment.GetEnvironmentVariables(), Environment.ProcessId), TimeProvider.System, log));
        if (settings.TrimAfter > TimeSpan.Zero)
            builder.Services.AddHostedService(
                _ => new QuietTrim(settings.TrimAfter, TimeProvider.System, static () => UsedSoFar.Now, QuietTrim.Collect, log));
        if (settings.Tls.Enabled && certificate.Start(settings.Tls) is { } fault)
            throw new SettingException($"broker.tls.{fault.Key}: expected {fault.Expected}.");
        builder.AddKestrel(settings, hub.OpensPort, inbox, certificate);

        WebApplication app = builder.Build();
        _ = app.Services.GetRequiredService<CurrentCertificate>();      // So that the application disposes of it.
        kestrel = app.Services.GetRequiredService<IServer>();
        if (cluster is not null)
        {
            cluster.HasLeft += app.Lifetime.StopApplication;
            cluster.LeaveAsked += app.Lifetime.StopApplication;
        }

        MetricsRoute? metrics = settings.Http.Metrics ? new MetricsRoute(app, app.Services.GetRequiredService<MeterProvider>()) : null;
        var routes =
            new HttpRoutes(hub, settings.Http.Page, metrics, () => service.IsDraining)
                { Store = store, Api = api, Joining = cluster is null ? null : () => cluster.NotReady };
        var heads = new HeadLimit(settings.Hub.Reactor.HeadBytesMax);
        var gate = new HostGate(() => hosts.PublicPort, () => hosts.TlsPort);
        app.Run(context =>
        {
            HttpConnection? connection = HttpConnection.Of(context);
            PathString path = HubEntranceHandler.WrittenPathOf(context);
            if (gate.Check(context) is null && hub.Serves(path))
            {
                return connection is null ? hub.AnswerAsync(context)
                    : hub.ServesHttp(path) ? connection.AnswerAsync(context, hub.AnswerAsync)
                    : connection.OpenAsync(context, hub.AnswerAsync);
            }

            return connection is null ? AnswerAsync(context) : connection.AnswerAsync(context, AnswerAsync);
        });
        return app;

        Task AnswerAsync(HttpContext context) =>
            heads.Refuses(context, out Task tooLong) ? tooLong
            : gate.Check(context) is { } foreign ? HostGate.RefuseAsync(context, foreign)
            : routes.AnswerAsync(context);
    }

    // Once Kestrel listens, and before anyone is told that it does.
    private static IEnumerable<string> AddressesOf(IServer kestrel, HostSettings settings)
    {
        if (settings.UnixSocket.Length > 0) UnixSocketFile.SetMode(settings.UnixSocket, settings.UnixSocketMode);
        return HttpSetup.AddressesOf(kestrel);
    }

    private static ReloadPart[] PartsOf(
        HostSettings started, IHub hub, LevelTable? levels, CurrentCertificate certificate, HostRules hosts) =>
    [
        new(["broker.log.level", "broker.log.levels"], static _ => null, next => levels?.Apply(next.Log)),
        new(["broker.listen.origins", "broker.listen.hosts"], static _ => null, next =>
        {
            hub.Apply(next.Hub.Listen, LogSetup.AkkaLevelOf(next.Log));
            hosts.Apply(next.Hub.Listen);
        }),
        .. started.Tls.Enabled ? (ReloadPart[])[CertificatePart(certificate)] : [],
    ];

    private static ReloadPart CertificatePart(CurrentCertificate certificate) => new(
        ["broker.tls.certificate", "broker.tls.key", "broker.tls.password"],
        static next =>
            CertificateFiles.TryLoad(next.Tls, out CertificateFault? fault) is null
                ? $"broker.tls.{fault!.Key}: expected {fault.Expected}." : null,
        next => certificate.Reload(next.Tls));

    private static void Warn(LoadedSettings loaded, Logger log)
    {
        foreach (string warning in loaded.Warnings) log.Warning("{Warning:l}", warning);
        HostSettings settings = loaded.Settings;
        if (ExposureRule.Check(settings.Hub, settings.OtherAddresses) == Exposure.Wished)
        {
            log.Warning("ANYONE MAY COME IN: {Exposure:l}, because the settings say so",
                ExposureRule.Describe(settings.Hub, settings.OtherAddresses));
        }
    }

    // The rules of both ports, which a reload changes.
    private sealed class HostRules(HostSettings settings)
    {
        private volatile HostRule _publicPort = settings.Hub.Listen.HostsOn(settings.Hub.Listen.Address);
        private volatile HostRule _tlsPort = settings.Hub.Listen.HostsOn(settings.Tls.Address);

        public HostRule PublicPort => _publicPort;

        public HostRule TlsPort => _tlsPort;

        // The addresses need a restart to change; names do not.
        public void Apply(ListenSettings listen)
        {
            _publicPort = listen.HostsOn(settings.Hub.Listen.Address);
            _tlsPort = listen.HostsOn(settings.Tls.Address);
        }
    }
}
