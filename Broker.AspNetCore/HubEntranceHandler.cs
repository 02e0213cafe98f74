using Broker.Actors;
using Broker.AspNetCore.Streams;
using Broker.AspNetCore.Requests;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using Broker.Reactor.Pipes;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Broker.AspNetCore;

/// <summary>Answers requests for a hub's paths: opens a WebSocket or a stream, takes a message, or says in HTTP why not.</summary>
/// <remarks>A WebSocket both ways: the upgrade of HTTP/1.1, RFC 6455 section 4, and the extended CONNECT of HTTP/2, RFC 8441.</remarks>
/// <param name="entrance">The hub's.</param>
/// <param name="time">Measures how long a closed connection may take to leave.</param>
public sealed class HubEntranceHandler(HubEntrance entrance, TimeProvider time)
{
    private const int ProtocolError = 1;

    private readonly HttpStreams _streams = new(entrance, time);

    /// <summary>Whether the hub answers at this path.</summary>
    public bool Serves(PathString path) => path.HasValue && entrance.Paths.Contains(path.ToUriComponent());

    /// <summary>Whether what the hub answers at this path are requests of HTTP, and no WebSockets.</summary>
    public bool ServesHttp(PathString path) =>
        path.HasValue && path.ToUriComponent() is var text
            && (entrance.FindStream(text) is not null || entrance.FindMessages(text) is not null);

    /// <summary>
    /// The path of a request as the client wrote it: nothing decoded and no dot segment removed, as on the hub's own port.
    /// </summary>
    public static PathString WrittenPathOf(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        string target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        int scheme = target.StartsWith('/') ? -1 : target.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0) target = target.IndexOf('/', scheme + 3) is var path and >= 0 ? target[path..] : "/";
        int query = target.IndexOf('?', StringComparison.Ordinal);
        if (query >= 0) target = target[..query];
        return target.StartsWith('/') && !context.Request.PathBase.HasValue ? new PathString(target) : context.Request.Path;
    }

    /// <summary>Answers a request for the endpoint of its own path, and returns when its connection has ended.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return AnswerAsync(context, context.Request.Path.ToUriComponent());
    }

    /// <summary>Answers a request for an endpoint, wherever the application has mapped it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="endpointPath">The path of the endpoint as the hub's settings name it.</param>
    public Task AnswerAsync(HttpContext context, string endpointPath)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (entrance.FindStream(endpointPath) is { } stream) return _streams.OpenAsync(context, stream);
        if (entrance.FindMessages(endpointPath) is { } messages) return _streams.PostAsync(context, messages);
        return PeerEnd.Of(context) is { } end ? AnswerAsync(context, endpointPath, end) : AnswerAnyAsync(context, endpointPath);
    }

    private async Task AnswerAsync(HttpContext context, string endpointPath, PeerEnd end)
    {
        end.BeginWebSocket();
        try
        {
            await AnswerAnyAsync(context, endpointPath).ConfigureAwait(false);
        }
        finally
        {
            end.EndWebSocket();
        }
    }

    private Task AnswerAnyAsync(HttpContext context, string endpointPath)
    {
        return context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect
            ? AnswerConnectAsync(context, connect, endpointPath)
            : AnswerUpgradeAsync(context, endpointPath);
    }

    private async Task AnswerUpgradeAsync(HttpContext context, string endpointPath)
    {
        if (RequestHead.Read(context.Request, entrance.Bounds.HeadBytesMax, out UpgradeFault fault) is not { } request)
        {
            await RefuseAsync(context, fault).ConfigureAwait(false);
            return;
        }

        if (entrance.Check(
            request, endpointPath, isConnect: false, out CarriedOpening? opening, RequestHead.PeerOf(context)) is { } refused)
        {
            await RefuseAsync(context, refused).ConfigureAwait(false);
            return;
        }

        bool isOpened = false;
        try
        {
            if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade)
            {
                await RefuseAsync(context, new UpgradeFault(426, "This connection cannot be upgraded.")).ConfigureAwait(false);
                return;
            }

            Unbound(context);
            IHeaderDictionary headers = context.Response.Headers;
            headers.Upgrade = "websocket";
            headers.Connection = "Upgrade";
            headers.SecWebSocketAccept = UpgradeResponse.AcceptOf(request.Key!);
            if (opening!.Subprotocol.Answered is { } subprotocol) headers.SecWebSocketProtocol = subprotocol;
            if (opening.Extensions is { } extensions) headers.SecWebSocketExtensions = extensions;
            Stream frames = await upgrade.UpgradeAsync().ConfigureAwait(false);
            isOpened = true;
            await entrance.OpenAsync(
                opening, new HttpCarrier(context, frames, entrance.ClientOf(request, RequestHead.PeerOf(context)), isStream: false))
                    .ConfigureAwait(false);
            _ = AbortLateAsync(context.Features.Get<IConnectionLifetimeFeature>());
        }
        finally
        {
            if (!isOpened) entrance.Withdraw(opening!);
        }
    }

    private async Task AnswerConnectAsync(HttpContext context, IHttpExtendedConnectFeature connect, string endpointPath)
    {
        if (connect.Protocol != "websocket")
        {
            await RefuseAsync(context, new UpgradeFault(501, "Of extended CONNECT only :protocol websocket is served here (RFC 8441)."))
                .ConfigureAwait(false);
            return;
        }

        // A head that is too long is answered; what breaks HTTP itself is an error of the stream, and no answer.
        if (RequestHead.Read(context.Request, entrance.Bounds.HeadBytesMax, out UpgradeFault fault) is not { } request)
        {
            if (fault.Status == StatusCodes.Status431RequestHeaderFieldsTooLarge) await RefuseAsync(context, fault).ConfigureAwait(false);
            else Reset(context, ProtocolError);
            return;
        }

        if (entrance.Check(request, endpointPath, isConnect: true, out CarriedOpening? opening, RequestHead.PeerOf(context)) is { } refused)
        {
            await RefuseAsync(context, refused).ConfigureAwait(false);
            return;
        }

        bool isOpened = false;
        try
        {
            Unbound(context);
            if (opening!.Subprotocol.Answered is { } subprotocol) context.Response.Headers.SecWebSocketProtocol = subprotocol;
            if (opening.Extensions is { } extensions) context.Response.Headers.SecWebSocketExtensions = extensions;
            Stream frames = await connect.AcceptAsync().ConfigureAwait(false);
            isOpened = true;
            await entrance.OpenAsync(
                opening, new HttpCarrier(context, frames, entrance.ClientOf(request, RequestHead.PeerOf(context)), isStream: true))
                    .ConfigureAwait(false);
        }
        finally
        {
            if (!isOpened) entrance.Withdraw(opening!);
        }
    }

    private Task RefuseAsync(HttpContext context, UpgradeFault fault)
    {
        entrance.CountRefusal(fault);
        return Refusal.WriteAsync(context, fault);
    }

    // A WebSocket is silent for hours and has no length: Kestrel's bounds of one request's data are not for it. The hub has its own.
    private static void Unbound(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } incoming) incoming.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } outgoing) outgoing.MinDataRate = null;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    // A client that takes nothing more would keep the connection for ever, since no data rate ends it: Kestrel writes its last bytes first.
    private async Task AbortLateAsync(IConnectionLifetimeFeature? connection)
    {
        if (connection is null) return;
        try
        {
            await Task.Delay(entrance.Bounds.CloseLimit, time, connection.ConnectionClosed).ConfigureAwait(false);
            connection.Abort();
        }
        catch (Exception gone) when (gone is OperationCanceledException or ObjectDisposedException)
        {
            // It left by itself.
        }
    }

    private static void Reset(HttpContext context, int code)
    {
        if (context.Features.Get<IHttpResetFeature>() is { } reset) reset.Reset(code);
        else context.Abort();
    }
}
