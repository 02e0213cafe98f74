using System.Net;
using Broker.Reactor.Loops;
using Broker.Reactor.Pipes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Broker.AspNetCore;

/// <summary>The frames of one request: what comes behind an upgrade, or the DATA of an HTTP/2 stream.</summary>
/// <param name="context">The request, until <see cref="HubEntranceHandler"/> returns.</param>
/// <param name="frames">As ASP.NET Core gave it.</param>
/// <param name="remote">The client.</param>
/// <param name="isStream">Whether it is a stream of HTTP/2, each of whose sides ends by itself.</param>
internal sealed class HttpCarrier(HttpContext context, Stream frames, IPEndPoint remote, bool isStream) : ICarrier
{
    // RFC 9113 section 7. "RST_STREAM with the CANCEL error code" stands for a reset of TCP, RFC 8441 section 5.
    private const int Cancel = 8;

    public Stream Frames => frames;

    public IPEndPoint Remote => remote;

    public bool CanEndSending => isStream;

    // "an orderly TCP-level closure is represented as an END_STREAM flag", RFC 8441 section 5.
    public Task EndSendingAsync() => isStream ? context.Response.CompleteAsync() : Task.CompletedTask;

    public void Abort()
    {
        if (isStream && context.Features.Get<IHttpResetFeature>() is { } reset) reset.Reset(Cancel);
        else context.Abort();
    }
}
