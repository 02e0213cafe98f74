using Broker.Actors.Rpc;
using Broker.Actors.Settings;
using Broker.AspNetCore.Api;
using Broker.Host.Hosting;
using Broker.Host.Http;
using Broker.Host.Logging;
using Broker.Host.Memory;
using Broker.Host.Settings;
using Broker.Host.Store;
using Broker.Store;
using Microsoft.AspNetCore.Hosting.Server;
using Serilog;
using Serilog.Extensions.Logging;
using Serilog.Core;
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
    /// <param name="output">Gets the one line that says where the hub listens.</param>
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
        await using Logger log = LogSetup.CreateLogger(settings.Log);
        Log.Logger = log;
        Warn(loaded, log);
        bool started = false;
        try
        {
            using StoreService? store = StoreService.Open(settings.Store);
            using var logs = new SerilogLoggerFactory(log);
            using var identity = new IdentityService(settings, logs, TimeProvider.System);
            IReadOnlyList<IMethodSource> methods = [.. store is null ? [] : (IMethodSource[])[store], .. identity.Methods];
            await using IHub hub = makeHub(
                identity.Complete(settings.Hub), loaded.Layers.ToConfig().WithFallback(LogSetup.AkkaConfig(settings.Log.Level)), methods, identity.Access);
            await using WebApplication app = Build(settings, hub, output, log, identity.Attach(hub.Api));
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
            log.Debug(failure, "The process ends");
            string reason = (failure is StoreException ? failure : failure.GetBaseException()).Message;
            await error.WriteLineAsync($"broker: {reason}").ConfigureAwait(false);
            return 1;
        }
    }

    /// <summary>Wires hub, HTTP, signals and log together.</summary>
    public static WebApplication Build(HostSettings settings, IHub hub, TextWriter output, ILogger log, ApiRoute? api = null)
    {
        ArgumentNullException.ThrowIfNull(settings);

        // Empty: no files, no variables and no arguments may bind Kestrel to an address behind the hub's back.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        var inbox = new HandedOverInbox(settings.Http.WaitingMax);
        TimeSpan grace = settings.Hub.ShutdownGrace;
        IServer? kestrel = null;
        var service = new BrokerService(hub, inbox, () => HttpSetup.AddressesOf(kestrel!), grace, output, log);
        builder.Services.AddSerilog(log);
        builder.Services.AddSingleton(log);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = grace + StopMargin);
        builder.Services.AddSingleton<IHostLifetime>(services => new SignalLifetime(
            services.GetRequiredService<IHostApplicationLifetime>(), Environment.Exit, log));
        builder.Services.AddHostedService(_ => service);
        if (settings.TrimAfter > TimeSpan.Zero)
            builder.Services.AddHostedService(_ => new QuietTrim(settings.TrimAfter, TimeProvider.System, static () => UsedSoFar.Now, QuietTrim.Collect, log));
        builder.AddKestrel(settings, hub.OpensPort, inbox);

        WebApplication app = builder.Build();
        kestrel = app.Services.GetRequiredService<IServer>();
        MetricsRoute? metrics = settings.Http.Metrics ? new MetricsRoute(app) : null;
        app.Lifetime.ApplicationStopped.Register(static route => ((MetricsRoute?)route)?.Dispose(), metrics);
        var routes = new HttpRoutes(hub, settings.Http.Page, metrics, () => service.IsDraining) { Api = api };
        app.Run(context => hub.Serves(context.Request.Path) ? hub.AnswerAsync(context) : routes.AnswerAsync(context));
        return app;
    }

    private static void Warn(LoadedSettings loaded, Logger log)
    {
        foreach (string warning in loaded.Warnings) log.Warning("{Warning:l}", warning);
        HostSettings settings = loaded.Settings;
        if (ExposureRule.Check(settings.Hub, settings.OtherAddresses) == Exposure.Wished)
        {
            log.Warning("ANYONE MAY COME IN: {Exposure:l}, because the settings say so", ExposureRule.Describe(settings.Hub, settings.OtherAddresses));
        }
    }
}
