namespace Broker.Tests.Conformance.Wire;

/// <summary>A WebSocket client that sends whatever a case wants and believes nothing that the server sends.</summary>
/// <remarks>
/// One task reads to the end of the stream: it records events, answers pings and the server's close, and fails the
/// connection when the server breaks a rule. The case's own task writes.
/// </remarks>
public sealed class ConformanceClient : IAsyncDisposable
{
    private readonly ConformanceConnection _connection;
    private readonly ServerFrameReader _frames;
    private readonly ServerMessages _messages;
    private readonly MessageInflater? _inflater;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly bool _recordsPongs;
    private readonly Task _reading;
    private Task _answering = Task.CompletedTask;   // The chain of answers, so that reading never waits for a write.

    private ConformanceClient(ConformanceConnection connection, DeflateAgreement? agreement, bool recordsPongs)
    {
        _connection = connection;
        _recordsPongs = recordsPongs;
        if (agreement is not null)
        {
            Deflater = new MessageDeflater(agreement.ClientWindowBits, agreement.ClientKeepsContext);
            _inflater = new MessageInflater(agreement.ServerWindowBits, agreement.ServerKeepsContext);
        }

        _frames = new ServerFrameReader(connection.Source, agreement is not null);
        _messages = new ServerMessages(_inflater);
        _reading = Task.Run(ReadToEndAsync);
    }

    /// <summary>What happened so far.</summary>
    public Transcript Transcript { get; } = new();

    /// <summary>Compresses this client's messages, or null if the server accepted no permessage-deflate.</summary>
    public MessageDeflater? Deflater { get; }

    /// <summary>Connects, and checks what the server accepted.</summary>
    /// <param name="connector">Opens the connection.</param>
    /// <param name="extensionOffer">The value of Sec-WebSocket-Extensions, or null for none.</param>
    /// <param name="recordsPongs">Whether pongs are events. Without pings they are not: a server may send them unasked.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <exception cref="HandshakeException">The server did not accept as it must.</exception>
    public static async Task<ConformanceClient> OpenAsync(
        IConformanceConnector connector, string? extensionOffer, bool recordsPongs, CancellationToken stop)
    {
        ConformanceConnection connection = await connector.OpenAsync(extensionOffer, stop);
        try
        {
            DeflateAgreement? agreement = extensionOffer is null
                ? null
                : DeflateAgreement.Read(extensionOffer, connection.ExtensionAnswer);
            return new ConformanceClient(connection, agreement, recordsPongs);
        }
        catch
        {
            await connection.Target.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes frames, unless the connection has ended. What the server does about them shows in the transcript.</summary>
    public Task SendAsync(IReadOnlyList<WireFrame> frames, SendManner manner, CancellationToken limit)
    {
        // A close frame whose RSV bits are set is a broken frame and not the start of a closing handshake.
        if (frames.Any(f => f is { Opcode: WireFrame.CloseOpcode, Reserved: 0 })) Transcript.RecordClientClose();
        return WriteAsync(manner.Cut(frames), limit);
    }

    /// <summary>Writes octets that are part of a frame.</summary>
    public Task SendOctetsAsync(ReadOnlyMemory<byte> octets, CancellationToken limit) => WriteAsync([octets], limit);

    /// <summary>Ends the stream, if the server has not, and waits until the reading task has ended too.</summary>
    public async ValueTask DisposeAsync()
    {
        Transcript.RecordDrop(Side.Client);
        await _stop.CancelAsync();
        await _connection.Target.DisposeAsync();
        await _reading;
        await _answering;
        Deflater?.Dispose();
        _inflater?.Dispose();
        _stop.Dispose();
        _writing.Dispose();
    }

    private async Task WriteAsync(IEnumerable<ReadOnlyMemory<byte>> writes, CancellationToken limit)
    {
        try
        {
            await _writing.WaitAsync(limit);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            foreach (ReadOnlyMemory<byte> octets in writes)
            {
                await _connection.Target.WriteAsync(octets, limit);
                await _connection.Target.FlushAsync(limit);
                await Task.Yield();
            }
        }
        catch (Exception e) when (IsEndOfStream(e))
        {
            // The reading task sees the same end and records it; until then it may still read what was sent before.
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReadToEndAsync()
    {
        try
        {
            while (await _frames.ReadAsync(_stop.Token) is { } frame) Take(frame);
            Transcript.RecordDrop(Side.Server);
        }
        catch (ServerViolationException violation)
        {
            Transcript.RecordViolation(violation.Message);
            if (!Transcript.ClientCloseSent) Answer(WireFrame.Close(violation.Code));
            await DiscardToEndAsync();
        }
        catch (Exception e) when (IsEndOfStream(e))
        {
            Transcript.RecordDrop(_stop.IsCancellationRequested ? Side.Client : Side.Server);
        }
    }

    private void Take(ServerFrame frame)
    {
        // "After sending a control frame indicating the connection should be closed, a peer does not send any further data."
        if (Transcript.ServerClose is not null) throw new ServerViolationException(1002, "a frame follows the server's close frame");

        switch (frame.Opcode)
        {
            case WireFrame.PingOpcode:
                Answer(WireFrame.Pong(Octets.Of(frame.Payload)));
                break;
            case WireFrame.PongOpcode:
                if (_recordsPongs) Transcript.Record(new Received(ReceivedKind.Pong, frame.Payload));
                break;
            case WireFrame.CloseOpcode:
                ServerClose close = ServerMessages.ReadClose(frame.Payload);
                bool answerDue = !Transcript.ClientCloseSent;
                Transcript.RecordServerClose(close);
                if (answerDue) Answer(WireFrame.Close(1000));
                break;
            default:
                if (_messages.Add(frame) is { } message) Transcript.Record(message);
                break;
        }
    }

    private void Answer(WireFrame frame)
    {
        Task before = _answering;
        _answering = AnswerAsync();

        async Task AnswerAsync()
        {
            await before;
            await SendAsync([frame], SendManner.Plain, _stop.Token);
        }
    }

    private async Task DiscardToEndAsync()
    {
        try
        {
            await _connection.Source.CopyToAsync(Stream.Null, _stop.Token);
            Transcript.RecordDrop(Side.Server);
        }
        catch (Exception e) when (IsEndOfStream(e))
        {
            Transcript.RecordDrop(_stop.IsCancellationRequested ? Side.Client : Side.Server);
        }
    }

    private static bool IsEndOfStream(Exception e) =>
        e is IOException or OperationCanceledException or ObjectDisposedException or System.Net.Sockets.SocketException;
}
