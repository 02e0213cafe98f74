using System.Net.WebSockets;

namespace Broker.Cli.Bench;

/// <summary>Reads from sockets of a run, which end by a close frame only if something is wrong.</summary>
internal static class SocketReading
{
    /// <summary>Reads as much of a message as there is.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="target">Where its bytes go.</param>
    /// <exception cref="BenchException">The server closed.</exception>
    public static async ValueTask<ValueWebSocketReceiveResult> ReadAsync(this ClientWebSocket socket, Memory<byte> target)
    {
        // A token that can be cancelled would cost a registration for each message: what ends a socket here is Abort.
        ValueWebSocketReceiveResult read = await socket.ReceiveAsync(target, CancellationToken.None).ConfigureAwait(false);
        if (read.MessageType != WebSocketMessageType.Close) return read;
        throw new BenchException(
            $"The server closed a connection: {(int?)socket.CloseStatus ?? 1005} {socket.CloseStatusDescription}".TrimEnd());
    }

    /// <summary>Whether a failure is that of a socket.</summary>
    public static bool IsOfSocket(Exception failure) =>
        failure is BenchException or WebSocketException or IOException or ObjectDisposedException or OperationCanceledException
            or InvalidOperationException;

    /// <summary>Closes as the protocol has it, unless everything is being ended, and waits for little.</summary>
    public static async Task EndAsync(ClientWebSocket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            if (socket.State == WebSocketState.Open)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (IsOfSocket(failure))
        {
            // It is being ended anyway.
        }

        socket.Dispose();
    }
}
