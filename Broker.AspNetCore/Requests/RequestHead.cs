using System.Buffers;
using System.Net;
using System.Text;
using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Broker.AspNetCore.Requests;

/// <summary>Writes a request of ASP.NET Core as the head it would have in HTTP/1.1, so that one parser judges all of them.</summary>
internal static class RequestHead
{
    /// <summary>Reads a request by the rules of the hub's own port.</summary>
    /// <param name="request">Any request; an extended CONNECT is read as the GET that it stands for, RFC 8441 section 5.</param>
    /// <param name="headBytesMax">The longest head.</param>
    /// <param name="fault">Why it is no request, if it is none.</param>
    internal static UpgradeRequest? Read(HttpRequest request, int headBytesMax, out UpgradeFault fault)
    {
        var reader = new UpgradeReader(Write(request), headBytesMax);
        fault = default;
        if (reader.ReadHead(out UpgradeRequest? read) == OperationStatus.Done) return read;
        fault = reader.Fault.Status == 0 ? new UpgradeFault(400, "The head of the request is not whole.") : reader.Fault;
        return null;
    }

    /// <summary>Who has sent a request. Who comes through a Unix socket has no address, but is on this machine.</summary>
    internal static IPEndPoint PeerOf(HttpContext context) =>
        new(context.Connection.RemoteIpAddress ?? IPAddress.Loopback, context.Connection.RemotePort);

    private static byte[] Write(HttpRequest request)
    {
        bool hasLines = HttpProtocol.IsHttp10(request.Protocol) || HttpProtocol.IsHttp11(request.Protocol);
        string path = request.Path.ToUriComponent();
        var head = new StringBuilder(512);
        head.Append(HttpMethods.IsConnect(request.Method) && !hasLines ? "GET" : request.Method).Append(' ')
            .Append(path.Length == 0 ? "/" : path).Append(request.QueryString.ToUriComponent()).Append(' ')
            .Append(hasLines ? request.Protocol : "HTTP/1.1").Append("\r\n");
        foreach ((string name, StringValues values) in request.Headers)
        {
            if (name.StartsWith(':')) continue;
            foreach (string? value in values) head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        return Encoding.Latin1.GetBytes(head.Append("\r\n").ToString());
    }
}
