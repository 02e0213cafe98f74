using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Broker.Cli.Bench;

/// <summary>A connection that uses the Centrifuge JSON protocol, and has been greeted.</summary>
internal sealed class CentrifugeLink : IAsyncDisposable
{
    private const int EnvelopeMax = 4096;       // What a server may write around the data of one publication.

    private static readonly byte[] s_pong = CentrifugeReply.Ping.ToArray();

    private readonly ClientWebSocket _socket;

    private CentrifugeLink(ClientWebSocket socket, int dataBytes)
    {
        _socket = socket;
        Lines = new JsonLines(socket, EnvelopeMax + dataBytes);
    }

    /// <summary>What the server sends.</summary>
    public JsonLines Lines { get; }

    /// <summary>Opens a connection and sends <c>connect</c>.</summary>
    /// <param name="dialer">Opens it.</param>
    /// <param name="token">What shows who the client is; empty: nothing.</param>
    /// <param name="dataBytes">The most data of a publication that comes.</param>
    /// <param name="channel">Subscribes to it as well, if it is given.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="BenchException">It did not open, or the server refused.</exception>
    public static async Task<CentrifugeLink> OpenAsync(
        Dialer dialer, string token, int dataBytes, string? channel, CancellationToken cancellationToken)
    {
        var link = new CentrifugeLink(await dialer.OpenAsync(cancellationToken).ConfigureAwait(false), dataBytes);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Dialer.OpenLimit);
        using (limit.Token.Register(link.Abort))
        {
            try
            {
                string proof = token.Length == 0 ? "" : $"\"token\":{Quoted(token)}";
                await link.AskAsync("connect", $"{{\"id\":1,\"connect\":{{{proof}}}}}", id: 1).ConfigureAwait(false);
                if (channel is not null)
                    await link.AskAsync("subscribe", $"{{\"id\":2,\"subscribe\":{{\"channel\":{Quoted(channel)}}}}}", id: 2)
                        .ConfigureAwait(false);
                return link;
            }
            catch (Exception failure) when (SocketReading.IsOfSocket(failure))
            {
                await link.DisposeAsync().ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (limit.IsCancellationRequested)
                    throw new BenchException(
                        $"The server has not answered connect within {Dialer.OpenLimit.TotalSeconds:0} s: does it speak the Centrifuge "
                            + $"JSON protocol?");
                throw failure as BenchException ?? new BenchException($"The connection was lost at connect: {failure.Message}");
            }
        }
    }

    /// <summary>Says one message; one at a time.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> text) =>
        _socket.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    /// <summary>Answers a ping.</summary>
    public ValueTask PongAsync() => SendAsync(s_pong);

    /// <summary>Ends it at once: a pending read or write fails.</summary>
    public void Abort() => _socket.Abort();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await SocketReading.EndAsync(_socket).ConfigureAwait(false);

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private async Task AskAsync(string name, string command, long id)
    {
        byte[] sent = Encoding.UTF8.GetBytes(command);
        await SendAsync(sent).ConfigureAwait(false);
        while (true)
        {
            while (Lines.TryTake(out ReadOnlySpan<byte> line))
            {
                if (line.SequenceEqual(sent))
                    throw new BenchException("The server does not speak the Centrifuge JSON protocol: it echoes.");
                CentrifugeReply reply = CentrifugeReply.Parse(line);
                if (reply.Id != id) continue;
                if (reply.ErrorCode != 0) throw new BenchException($"The server refused {name}: {reply.ErrorCode} {reply.ErrorText}");
                return;
            }

            await Lines.ReadAsync().ConfigureAwait(false);
        }
    }
}
