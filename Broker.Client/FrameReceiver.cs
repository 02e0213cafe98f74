using System.Buffers;
using System.Net.WebSockets;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>
/// The receiving side of one connection: a loop that takes frames from the socket and passes their messages on, one by one.
/// </summary>
/// <param name="state">Of the connection.</param>
/// <param name="socket">Where frames come from.</param>
/// <param name="agreement">How they are written.</param>
/// <param name="pool">For what is expanded.</param>
/// <param name="take">Takes a message, under the lock; returns what is wrong with it.</param>
internal sealed class FrameReceiver(
    ConnectionState state, ClientWebSocket socket, Agreement agreement, BufferPool pool, Func<NativeMessage, NativeFault> take)
{
    /// <summary>The loop; without the lock.</summary>
    /// <returns>How the connection ended.</returns>
    public async Task<CloseInfo> RunAsync()
    {
        var frame = new byte[16 * 1024];
        int length = 0;
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult received =
                    await socket.ReceiveAsync(frame.AsMemory(length), CancellationToken.None).ConfigureAwait(false);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return state.Bye ?? CloseInfo.FromCode((int?)socket.CloseStatus ?? 1005, socket.CloseStatusDescription ?? "");
                }

                length += received.Count;
                NativeFault fault = received.MessageType == WebSocketMessageType.Text ? NativeFault.TextFrame : NativeFault.None;
                if (fault == NativeFault.None && received.EndOfMessage)
                {
                    fault = TakeFrame(frame.AsSpan(0, length));
                    length = 0;
                }
                else if (fault == NativeFault.None && length == frame.Length)
                {
                    if (length >= state.Options.FrameBytesMax) fault = NativeFault.PayloadTooBig;
                    else Array.Resize(ref frame, Math.Min(state.Options.FrameBytesMax, length * 2));
                }

                if (fault == NativeFault.None) continue;
                await SendCloseAsync(fault).ConfigureAwait(false);
                return CloseInfo.FromFault(fault);
            }
        }
        catch (Exception failure)
        {
            return state.Bye ?? CloseInfo.FromFailure(failure);
        }
    }

    private NativeFault TakeFrame(ReadOnlySpan<byte> payload)
    {
        NativeFault fault =
            OpenedPayload.Open(payload, agreement.Compressions, state.Options.FrameBytesMax, pool, out OpenedPayload opened);
        if (fault != NativeFault.None) return fault;
        var reader = new NativeReader(opened.Messages, Side.Client, agreement.IsBatched);
        try
        {
            lock (state.Gate)
            {
                while (state.CloseInfo is null)
                {
                    OperationStatus status = reader.Read(out NativeMessage message);
                    if (status == OperationStatus.InvalidData) return reader.Fault;
                    if (status != OperationStatus.Done) return NativeFault.None;
                    fault = take(message);
                    if (fault != NativeFault.None) return fault;
                }
            }

            return NativeFault.None;
        }
        finally
        {
            opened.Dispose();
        }
    }

    private async Task SendCloseAsync(NativeFault fault)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), state.Options.Time);
            await socket.CloseOutputAsync((WebSocketCloseStatus)(int)fault.CloseCode, fault.Reason, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (
            failure is WebSocketException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // The connection ends anyway.
        }
    }
}
