using Broker.Actors.Sessions;
using Broker.Actors.Calls.Methods;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Access;
using Broker.Actors.Dialects;
using Broker.Actors.Settings;
using Broker.Dialects;
using Broker.AspNetCore.Api;
using Broker.Identity.Access;
using Broker.Identity.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Broker.AspNetCore;

/// <summary>Puts a hub into an ASP.NET Core application: <c>services.AddBroker()</c>, then <c>app.MapBroker()</c>.</summary>
public static class BrokerApplication
{
    private static readonly TimeSpan s_peerEndMoment = TimeSpan.FromSeconds(1);

    /// <summary>Adds a hub that starts and stops with the application and listens nowhere by itself.</summary>
    /// <param name="services">The application's.</param>
    /// <param name="settings">What differs from the defaults; the public port and the transport have no meaning here.</param>
    /// <param name="akka">Configuration of the hub's actor system, such as its log.</param>
    public static IServiceCollection AddBroker(this IServiceCollection services, StandardSettings? settings = null, Config? akka = null)
    {
        StandardSettings used = (settings ?? new StandardSettings()) with { Transport = Transport.Kestrel };
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(used);
        services.AddSingleton(provider => MakeHub(used, akka ?? Config.Empty, provider));
        services.AddSingleton(
            provider => new HubEntranceHandler(provider.GetRequiredService<Hub>().Entrance, provider.GetRequiredService<TimeProvider>()));

        // Before everything that the application says about Kestrel: an endpoint has the defaults of the moment in which it is added.
        services.Insert(0, ServiceDescriptor.Singleton<IConfigureOptions<KestrelServerOptions>>(
            new ConfigureOptions<KestrelServerOptions>(
                static kestrel => kestrel.ConfigureEndpointDefaults(static listen => listen.UseBroker()))));
        services.AddHostedService(provider => new HubLifetime(provider.GetRequiredService<Hub>(), used.ShutdownGrace));
        return services;
    }

    /// <summary>
    /// Lets a WebSocket client that closes, and ends its connection at once, still get its Close frame: Kestrel learns of the end of such a
    /// connection up to a second later. <see cref="AddBroker"/> does it for every endpoint; call it where the application sets endpoint
    /// defaults of its own.
    /// </summary>
    /// <param name="listen">An endpoint of Kestrel's, before its TLS.</param>
    public static ListenOptions UseBroker(this ListenOptions listen)
    {
        ArgumentNullException.ThrowIfNull(listen);
        listen.Use(static next => async context =>
        {
            using var end = new PeerEnd(context, s_peerEndMoment);
            await next(context).ConfigureAwait(false);
        });
        return listen;
    }

    /// <summary>Adds a method that clients may call; see <see cref="MethodRegistry"/> for what its handler may rely on.</summary>
    /// <param name="services">Of an application with <see cref="AddBroker"/>.</param>
    /// <param name="name">What clients call it. One that is taken, or collides, stops the start.</param>
    /// <param name="handler">What answers.</param>
    /// <param name="order">How its calls stand to other calls of the same connection.</param>
    public static IServiceCollection AddBrokerMethod(
        this IServiceCollection services, string name, MethodHandler handler, CallOrder order = CallOrder.None) =>
        services.AddBrokerMethods(_ => new MethodSource(methods => methods.Add(name, handler, order)));

    /// <summary>Adds methods that clients may call, and that need services of the application.</summary>
    /// <param name="services">Of an application with <see cref="AddBroker"/>.</param>
    /// <param name="make">Makes what has the methods; asked once, before the hub starts.</param>
    public static IServiceCollection AddBrokerMethods(this IServiceCollection services, Func<IServiceProvider, IMethodSource> make) =>
        services.AddSingleton(make);

    /// <summary>Lets clients come in by tokens, or as the application's backend says; without it the hub's own rules decide.</summary>
    /// <param name="services">Of an application with <see cref="AddBroker"/>.</param>
    /// <param name="settings">Keys, and what tokens have to say.</param>
    public static IServiceCollection AddBrokerIdentity(this IServiceCollection services, IdentitySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        services.AddSingleton(provider =>
        {
            IdentityAccess access = IdentityAccess.Create(
                settings,
                provider.GetRequiredService<StandardSettings>().Hub,
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILoggerFactory>().CreateLogger("Broker.Identity"));
            access.Attach(
                (user, client, reason) =>
                    provider.GetRequiredService<Hub>().Api.DisconnectAsync(new UserConnections(user, client), reason));
            return access;
        });
        services.AddSingleton<IHubAccess>(provider => provider.GetRequiredService<IdentityAccess>());
        if (settings.Proxy.Rpc is not null) services.AddSingleton(provider => provider.GetRequiredService<IdentityAccess>().Methods!);
        return services;
    }

    /// <summary>Maps the server API: <c>POST /api/METHOD</c>, with a key.</summary>
    /// <param name="endpoints">Of an application with <see cref="AddBroker"/>.</param>
    /// <param name="settings">Keys and bounds; with no key every request is refused.</param>
    /// <param name="root">Where it is.</param>
    public static IEndpointConventionBuilder MapBrokerApi(this IEndpointRouteBuilder endpoints, ApiSettings settings, string root = "/api")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(settings);
        IServiceProvider services = endpoints.ServiceProvider;
        var methods =
            new ApiMethods(
                services.GetRequiredService<Hub>().Api, services.GetService<IdentityAccess>()?.Revocations, Environment.MachineName);
        var route = new ApiRoute(
            methods, new ApiKeys(settings.Keys), settings, services.GetRequiredService<ILoggerFactory>().CreateLogger("Broker.Api"));
        RouteGroupBuilder group = endpoints.MapGroup(root);
        group.Map("", context => route.AnswerAsync(context, "")).WithDisplayName($"Broker {root}");
        group.Map("/{method}", context => route.AnswerAsync(context, (string)context.Request.RouteValues["method"]!))
            .WithDisplayName($"Broker {root}/METHOD");
        return group;
    }

    /// <summary>Maps the hub's paths as endpoints, which can be given an authorisation or another convention as any endpoint can.</summary>
    /// <param name="endpoints">Of an application with <see cref="AddBroker"/>.</param>
    public static IEndpointConventionBuilder MapBroker(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        HubEntranceHandler handler = endpoints.ServiceProvider.GetRequiredService<HubEntranceHandler>();
        RouteGroupBuilder group = endpoints.MapGroup("");
        foreach (string path in endpoints.ServiceProvider.GetRequiredService<Hub>().Entrance.Paths)
            group.Map(path, context => handler.AnswerAsync(context, path)).WithDisplayName($"Broker {path}");
        return group;
    }

    /// <summary>Answers the hub's paths before whatever comes next; for an application without endpoint routing.</summary>
    /// <param name="app">Any application.</param>
    /// <param name="handler">Of the hub.</param>
    public static IApplicationBuilder UseBroker(this IApplicationBuilder app, HubEntranceHandler handler)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app.Use(
            (HttpContext context, RequestDelegate next) =>
                handler.Serves(HubEntranceHandler.WrittenPathOf(context)) ? handler.AnswerAsync(context) : next(context));
    }

    private static Hub MakeHub(StandardSettings settings, Config akka, IServiceProvider provider)
    {
        var hub = new Hub(
            provider.GetService<IdentityAccess>()?.Complete(settings.Hub) ?? settings.Hub,
            akka,
            provider.GetRequiredService<TimeProvider>(),
            [.. StandardDialects.Of(settings), .. provider.GetServices<IDialectFactory>()],
            provider.GetService<IHubAccess>());
        foreach (IMethodSource source in provider.GetServices<IMethodSource>()) hub.Methods.AddFrom(source);
        return hub;
    }

    private sealed class MethodSource(Action<MethodRegistry> add) : IMethodSource
    {
        public void AddTo(MethodRegistry methods) => add(methods);
    }
}
