using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Connections;

namespace Broker.Host.Http;

/// <summary>
/// Reads the PROXY header of a connection that Kestrel has accepted, before TLS and HTTP, as the reactor does on its port.
/// </summary>
/// <remarks>
/// A peer under <c>listen.proxies.proxy-protocol</c> has to send one; from any other it is read as what follows, which it is not.
/// </remarks>
/// <param name="proxies">Whose headers are read.</param>
/// <param name="limit">How long a header may take.</param>
/// <param name="time">Measures that.</param>
internal sealed class ProxyHeaderGate(AddressRanges proxies, TimeSpan limit, TimeProvider time)
{
    /// <summary>Reads the header, if the peer is a proxy, and gives the connection its client's address.</summary>
    /// <param name="context">The connection. One whose header is late or none at all is closed.</param>
    /// <param name="next">What serves it.</param>
    internal async Task RunAsync(ConnectionContext context, ConnectionDelegate next)
    {
        // Who comes through a Unix socket has no address, but is on this machine.
        IPEndPoint peer = context.RemoteEndPoint as IPEndPoint ?? new IPEndPoint(IPAddress.Loopback, 0);
        if (!proxies.IsEmpty && proxies.Contains(peer.Address) && !await TryReadAsync(context).ConfigureAwait(false)) return;
        await next(context).ConfigureAwait(false);
    }

    private async Task<bool> TryReadAsync(ConnectionContext context)
    {
        using var late = new CancellationTokenSource(limit, time);
        PipeReader input = context.Transport.Input;
        while (true)
        {
            ReadResult read;
            try
            {
                read = await input.ReadAsync(late.Token).ConfigureAwait(false);
            }
            catch (Exception gone) when (gone is OperationCanceledException or IOException or ConnectionAbortedException)
            {
                return false;
            }

            ReadOnlySequence<byte> received = read.Buffer;
            switch (Read(received, out long length, out IPEndPoint? client))
            {
                case OperationStatus.Done:
                    input.AdvanceTo(received.GetPosition(length));
                    if (client is not null) context.RemoteEndPoint = client;
                    return true;
                case OperationStatus.NeedMoreData when !read.IsCompleted:
                    input.AdvanceTo(received.Start, received.End);
                    break;
                default:
                    input.AdvanceTo(received.End);
                    return false;
            }
        }
    }

    // A header fits into its bound, however much came behind it.
    private static OperationStatus Read(ReadOnlySequence<byte> received, out long length, out IPEndPoint? client)
    {
        ReadOnlySequence<byte> start = received.Slice(0, Math.Min(received.Length, ProxyHeaderReader.BinaryBytesMax));
        var reader = new ProxyHeaderReader(start.IsSingleSegment ? start.FirstSpan : start.ToArray());
        OperationStatus status = reader.ReadHeader(out client);
        length = reader.Position;
        return status;
    }
}
