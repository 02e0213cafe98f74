using System.Net;
using Broker.Actors;
using Broker.Actors.Dialects;
using Broker.AspNetCore.Requests;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using Broker.Reactor.Pipes;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Broker.AspNetCore.Streams;

/// <summary>Opens connections whose messages HTTP itself carries, and takes the messages that their clients post.</summary>
/// <remarks>
/// <code>
///   403  a page that may not connect        413  a longer body than the endpoint takes
///   404  a WebSocket is asked for           503  no room, or the hub starts or stops
///   405  another method                     204  a preflight, and a message that was taken
///   408  a body that comes too slowly
/// </code>
/// </remarks>
/// <param name="entrance">The hub's.</param>
/// <param name="time">Measures how long a closed connection may take to leave.</param>
internal sealed class HttpStreams(HubEntrance entrance, TimeProvider time)
{
    // Of all requests at once; any one of them is far shorter.
    private const long BodiesBytesMax = 64 * 1024 * 1024;

    private static readonly TimeSpan s_bodyLimit = TimeSpan.FromMinutes(1);

    private static readonly string[] s_post = ["POST"];

    private readonly BodyBudget _bodies = new(BodiesBytesMax, s_bodyLimit, new ClientAddresses(entrance.Proxies), time);

    /// <summary>Answers a request at an endpoint, and returns when its connection has ended.</summary>
    internal async Task OpenAsync(HttpContext context, HttpStreamEndpoint endpoint)
    {
        if (await CheckAsync(context, endpoint.Origins, endpoint.Methods, isOpening: true).ConfigureAwait(false) is not { } request) return;
        var inbox = new MessageInbox(endpoint.InboxBytesMax);
        if (await ReadAsync(context, endpoint, request, inbox).ConfigureAwait(false) is not { } asked) return;
        IPEndPoint peer = RequestHead.PeerOf(context);
        if (entrance.CheckStream(request, endpoint, asked.Subprotocol, out CarriedOpening? opening, peer) is { } refused)
        {
            await RefuseAsync(context, refused).ConfigureAwait(false);
            return;
        }

        bool isOpened = false;
        try
        {
            Stream body = context.Response.Body;
            if (endpoint.StatusOf is { } statusOf)
                body = new AwaitedAnswer(body, first => StartAsync(context, endpoint, asked.ContentType, statusOf(first)));
            else await StartAsync(context, endpoint, asked.ContentType, StatusCodes.Status200OK).ConfigureAwait(false);
            isOpened = true;
            IPEndPoint remote = entrance.ClientOf(request, peer);
            var carrier = new HttpStreamCarrier(context, inbox, body, remote, entrance.Bounds.CloseLimit, time);
            await ServeAsync(context, opening!, carrier, inbox).ConfigureAwait(false);
        }
        catch (Exception gone) when (!isOpened && gone is OperationCanceledException or IOException)
        {
            // The client left before its answer.
        }
        finally
        {
            if (!isOpened) entrance.Withdraw(opening!);
        }
    }

    /// <summary>Takes a message.</summary>
    internal async Task PostAsync(HttpContext context, MessageEndpoint endpoint)
    {
        if (await CheckAsync(context, endpoint.Origins, s_post, isOpening: false).ConfigureAwait(false) is not { } request) return;
        try
        {
            using RequestBody body =
                await RequestBody.ReadAsync(
                    context, endpoint.BodyBytesMax, _bodies, entrance.ClientOf(request, RequestHead.PeerOf(context))).ConfigureAwait(false);
            UpgradeFault? fault = body.Fault ?? endpoint.Post(context.Request.ContentType ?? "", body.Bytes.Span);
            if (fault is { } why)
            {
                await Refusal.WriteAsync(context, why).ConfigureAwait(false);
                return;
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
            context.Response.Headers.CacheControl = "no-store";
        }
        catch (Exception gone) when (IsGone(gone))
        {
            // The client left in its message: nothing of it is taken.
        }
    }

    // What is the same for both: a request of HTTP, from a page that may, with a method that is known.
    private async Task<UpgradeRequest?> CheckAsync(HttpContext context, OriginRule origins, IReadOnlyList<string> methods, bool isOpening)
    {
        UpgradeRequest? request = RequestHead.Read(context.Request, entrance.Bounds.HeadBytesMax, out UpgradeFault fault);
        bool isConnect = context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };
        if (request is not null && (request.WantsWebSocket || isConnect))
            fault = new UpgradeFault(404, "No WebSocket is served at this path.");
        else if (request is not null)
            fault = CrossOrigin.Check(request, origins) ?? default;
        if (fault.Status != 0)
        {
            if (isOpening) entrance.CountRefusal(fault);
            await Refusal.WriteAsync(context, fault).ConfigureAwait(false);
            return null;
        }

        context.Response.Headers.XContentTypeOptions = "nosniff";
        CrossOrigin.Allow(request!, context.Response.Headers);
        string method = context.Request.Method;
        if (HttpMethods.IsOptions(method))
        {
            CrossOrigin.AnswerPreflight(request!, methods, context.Response);
            return null;
        }

        if (methods.Contains(method)) return request;
        context.Response.Headers.Allow = string.Join(", ", methods.Append("OPTIONS"));
        if (isOpening) entrance.CountRefusal(new UpgradeFault(405, ""));
        await Refusal.WriteAsync(context, new UpgradeFault(405, $"Only {string.Join(" and ", methods)}.")).ConfigureAwait(false);
        return null;
    }

    private async Task<HttpStreamOpening?> ReadAsync(
        HttpContext context, HttpStreamEndpoint endpoint, UpgradeRequest request, MessageInbox inbox)
    {
        try
        {
            using RequestBody body =
                await RequestBody.ReadAsync(
                    context, endpoint.BodyBytesMax, _bodies, entrance.ClientOf(request, RequestHead.PeerOf(context))).ConfigureAwait(false);
            HttpStreamOpening opening = default;
            var asked = new HttpStreamRequest(request.Method, request.Query, context.Request.ContentType ?? "", body.Bytes);
            UpgradeFault? fault = body.Fault ?? endpoint.Read(asked, out opening);
            if (fault is { } why)
            {
                await RefuseAsync(context, why).ConfigureAwait(false);
                return null;
            }

            inbox.Post(opening.FirstMessage.Span, opening.IsBinary);
            return opening;
        }
        catch (Exception gone) when (IsGone(gone))
        {
            return null;
        }
    }

    private static async Task StartAsync(HttpContext context, HttpStreamEndpoint endpoint, string contentType, int status)
    {
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate) rate.MinDataRate = null;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        HttpResponse response = context.Response;
        IHeaderDictionary headers = response.Headers;
        response.StatusCode = status;
        headers.ContentType = contentType;
        headers.CacheControl = "private, no-cache, no-store, must-revalidate, max-age=0";
        headers.Pragma = "no-cache";

        // For nginx, which else would keep small messages until there are many.
        headers["X-Accel-Buffering"] = "no";
        if (HttpProtocol.IsHttp11(context.Request.Protocol)) headers.Connection = "keep-alive";
        await response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        bool hasPreamble = !endpoint.Preamble.IsEmpty && status == StatusCodes.Status200OK;
        if (hasPreamble) await response.Body.WriteAsync(endpoint.Preamble, context.RequestAborted).ConfigureAwait(false);
        else await response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private async Task ServeAsync(HttpContext context, CarriedOpening opening, HttpStreamCarrier carrier, MessageInbox inbox)
    {
        IHttpStreamFeature? connection = context.Features.Get<IHttpStreamFeature>();
        using var isOver = new CancellationTokenSource();
        using CancellationTokenRegistration aborted =
            context.RequestAborted.UnsafeRegister(static state => ((MessageInbox)state!).End(), inbox);
        using IDisposable? stream = connection?.BeginStream();
        if (connection is not null) _ = EndWithPeerAsync(connection, inbox, isOver.Token);
        await entrance.OpenAsync(opening, carrier).ConfigureAwait(false);
        await isOver.CancelAsync().ConfigureAwait(false);
    }

    private static async Task EndWithPeerAsync(IHttpStreamFeature connection, MessageInbox inbox, CancellationToken isOver)
    {
        try
        {
            await connection.WaitForPeerEndAsync(isOver).ConfigureAwait(false);
            inbox.End();
        }
        catch (OperationCanceledException)
        {
            // The stream has ended first.
        }
    }

    private Task RefuseAsync(HttpContext context, UpgradeFault fault)
    {
        entrance.CountRefusal(fault);
        return Refusal.WriteAsync(context, fault);
    }

    private static bool IsGone(Exception failure) =>
        failure is OperationCanceledException or ConnectionAbortedException or ConnectionResetException;
}
