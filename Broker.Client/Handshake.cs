using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>The content of a welcome, and how messages are framed.</summary>
internal sealed record Agreement(bool IsBatched, Compressions Compressions, NativeLimits Limits, string ClientId);

/// <summary>Opens a WebSocket, sends hello and receives the welcome.</summary>
internal static class Handshake
{
    /// <summary>Connects.</summary>
    /// <exception cref="ConnectionLostException">No welcome came; <see cref="CloseInfo.MayReconnect"/> is whether to try again.</exception>
    public static async Task<(ClientWebSocket Socket, Agreement Agreement)> ConnectAsync(
        BrokerClientOptions options, CancellationToken stop)
    {
        var socket = new ClientWebSocket();
        foreach (string name in NativeProtocol.Preference) socket.Options.AddSubProtocol(name);
        socket.Options.KeepAliveInterval = options.KeepAlive;
        socket.Options.KeepAliveTimeout = options.KeepAlive;
        socket.Options.CollectHttpResponseDetails = true;
        bool showedCertificate = false;
        socket.Options.RemoteCertificateValidationCallback = (_, _, _, errors) =>
        {
            showedCertificate = true;
            return errors == SslPolicyErrors.None;
        };
        using var limit = new CancellationTokenSource(options.ConnectLimit, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            await socket.ConnectAsync(options.Url, either.Token).ConfigureAwait(false);
            if (!NativeProtocol.Preference.Contains(socket.SubProtocol))
            {
                throw Lost(new CloseInfo { Code = 1010, Text = "The hub does not speak the native protocol there.", MayReconnect = false });
            }

            byte[] hello = NativeWriter.Message(new Hello
            {
                Version = NativeProtocol.Version,
                Compressions = options.Compressions,
                FrameBytesMax = options.FrameBytesMax,
                WindowChunks = options.StreamWindow,
                WindowItems = options.ItemsWindow,
                Name = Encoding.UTF8.GetBytes(options.Name),
                Token = options.Token.Span,
            });
            await socket.SendAsync(hello, WebSocketMessageType.Binary, endOfMessage: true, either.Token).ConfigureAwait(false);
            return (socket, await ReceiveWelcomeAsync(socket, options, either.Token).ConfigureAwait(false));
        }
        catch (Exception failure)
        {
            socket.Dispose();
            stop.ThrowIfCancellationRequested();
            throw failure switch
            {
                BrokerException => failure,
                OperationCanceledException =>
                    Lost(CloseInfo.FromFailure(
                        new TimeoutException($"{options.Url}: no answer within {options.ConnectLimit.TotalSeconds:0.#} s.", failure))),
                _ when (int)socket.HttpStatusCode >= 400 => Lost(CloseInfo.FromHttpStatus((int)socket.HttpStatusCode, failure)),
                _ => Lost(CloseInfo.FromFailure(
                    failure) with { Text = $"{options.Url}: {ReasonOf(failure, options.Url, showedCertificate)}" }),
            };
        }
    }

    // Where one side uses TLS and the other does not, the system's message names neither.
    private static string ReasonOf(Exception failure, Uri url, bool showedCertificate)
    {
        string reason = failure.GetBaseException().Message;
        for (Exception? inner = failure; inner is not null; inner = inner.InnerException)
        {
            if (inner is AuthenticationException && !showedCertificate)
                return $"there is no TLS at this port, or none that both sides speak; without TLS the URL begins with ws:// ({reason})";
            if (inner is HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse }
                && url.Scheme == "ws")
            {
                return $"the server did not answer the WebSocket handshake; with TLS the URL begins with wss:// ({reason})";
            }
        }

        return reason;
    }

    private static ConnectionLostException Lost(CloseInfo closeInfo) => new(closeInfo);

    private static async Task<Agreement> ReceiveWelcomeAsync(
        ClientWebSocket socket, BrokerClientOptions options, CancellationToken cancellationToken)
    {
        var frame = new byte[4096];
        int length = 0;
        ValueWebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(frame.AsMemory(length), cancellationToken).ConfigureAwait(false);
            length += received.Count;
            if (received.MessageType == WebSocketMessageType.Close)
            {
                throw Lost(CloseInfo.FromCode((int?)socket.CloseStatus ?? 1005, socket.CloseStatusDescription ?? ""));
            }

            if (length == frame.Length && !received.EndOfMessage)
            {
                if (length >= options.FrameBytesMax) throw Lost(CloseInfo.FromFault(NativeFault.PayloadTooBig));
                Array.Resize(ref frame, Math.Min(options.FrameBytesMax, length * 2));
            }
        }
        while (!received.EndOfMessage);
        return ReadWelcome(frame.AsSpan(0, length), socket.SubProtocol == NativeProtocol.Batched);
    }

    // The welcome comes alone: whatever follows it answers something, and nothing has been asked.
    private static Agreement ReadWelcome(ReadOnlySpan<byte> payload, bool isBatched)
    {
        NativeFault fault = OpenedPayload.Open(payload, Compressions.None, payload.Length, new BufferPool(), out OpenedPayload opened);
        if (fault != NativeFault.None) throw Lost(CloseInfo.FromFault(fault));
        var reader = new NativeReader(opened.Messages, Core.Framing.Side.Client, isBatched);
        while (reader.Read(out NativeMessage message) == System.Buffers.OperationStatus.Done)
        {
            switch (message.Kind)
            {
                case NativeKind.Welcome:
                    Welcome welcome = message.As<Welcome>();
                    if (welcome.Version != NativeProtocol.Version) throw Lost(CloseInfo.FromFault(NativeFault.UnknownVersion));
                    return new Agreement(isBatched, welcome.Compressions, welcome.Limits, Encoding.UTF8.GetString(welcome.Client));
                case NativeKind.Bye:
                    Bye bye = message.As<Bye>();
                    throw Lost(CloseInfo.FromBye(bye.Code, bye.RetryMilliseconds, Encoding.UTF8.GetString(bye.Text)));
                case NativeKind.Error:
                    break;
                default:
                    throw Lost(CloseInfo.FromFault(NativeFault.OutOfTurn));
            }
        }

        throw Lost(CloseInfo.FromFault(reader.Fault == NativeFault.None ? NativeFault.OutOfTurn : reader.Fault));
    }
}
