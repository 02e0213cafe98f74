using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Broker.Host.Http;

/// <summary>Holds plain requests to the longest head that the reactor reads; Kestrel's own bounds are wider.</summary>
/// <param name="bytesMax">The longest head (broker.reactor.head-bytes-max).</param>
internal sealed class HeadLimit(int bytesMax)
{
    /// <summary>Answers a request whose head is too long.</summary>
    /// <returns>Whether it was.</returns>
    internal bool Refuses(HttpContext context, out Task answer)
    {
        answer = Task.CompletedTask;
        if (BytesOf(context) <= bytesMax) return false;
        HttpResponse response = context.Response;
        response.StatusCode = StatusCodes.Status431RequestHeaderFieldsTooLarge;
        response.ContentType = "text/plain; charset=utf-8";
        if (!HttpProtocol.IsHttp2(context.Request.Protocol)) response.Headers.Connection = "close";
        answer = response.WriteAsync($"The head of the request passes {bytesMax} bytes.\n");
        return true;
    }

    // As long as it is, or would be, in HTTP/1.1.
    private static long BytesOf(HttpContext context)
    {
        const int LineEnd = 2, Separators = 2;
        HttpRequest request = context.Request;
        long bytes =
            request.Method.Length + (context.Features.Get<IHttpRequestFeature>()?.RawTarget.Length ?? 0) + request.Protocol.Length
                + Separators + LineEnd + LineEnd;
        foreach ((string name, StringValues values) in request.Headers)
        {
            foreach (string? value in values) bytes += name.Length + (value?.Length ?? 0) + Separators + LineEnd;
        }

        return bytes;
    }
}
