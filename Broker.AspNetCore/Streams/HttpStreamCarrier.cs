using System.Net;
using Broker.Reactor.Loops;
using Broker.Reactor.Pipes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Broker.AspNetCore.Streams;

/// <summary>
/// The bytes of a client that is sent messages in the answer to one request, and sends its own with that and with others.
/// </summary>
/// <param name="context">The request that opened it, until <see cref="HttpStreams"/> returns.</param>
/// <param name="inbox">Where the client's messages come from.</param>
/// <param name="body">Where the messages for the client go.</param>
/// <param name="remote">The client.</param>
/// <param name="closeLimit">How long the end of the answer may take to leave.</param>
/// <param name="time">Measures that.</param>
internal sealed class HttpStreamCarrier(
    HttpContext context, MessageInbox inbox, Stream body, IPEndPoint remote, TimeSpan closeLimit, TimeProvider time) : ICarrier
{
    // RFC 9113 section 7.
    private const int Cancel = 8;

    public Stream Frames { get; } = new InboxStream(inbox, body);

    public MessageInbox? Inbox => inbox;

    public IPEndPoint Remote => remote;

    public bool CanEndSending => true;

    // With the answer the connection is over: no caller waits for the client. Who takes nothing more would keep it for ever, since no data
    // rate ends it.
    public async Task EndSendingAsync()
    {
        try
        {
            await context.Response.CompleteAsync().WaitAsync(closeLimit, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Abort();
        }

        inbox.End();
    }

    public void Abort()
    {
        if (context.Features.Get<IHttpResetFeature>() is { } reset) reset.Reset(Cancel);
        else context.Abort();
    }
}
