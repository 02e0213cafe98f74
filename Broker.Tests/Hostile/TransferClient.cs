using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Broker.Tests.Hostile;

/// <summary>A native client by hand that sends and takes streams. It follows its credit, unless it is told otherwise.</summary>
internal sealed class TransferClient : IDisposable
{
    public const int ChunkBytes = 256 * 1024;

    private const int Window = 4;
    private const byte Ping = 0x03, Pong = 0x04, Fault = 0x22, Result = 0x21, Published = 0x15, Stream = 0x30, Chunk = 0x31, Credit = 0x32;

    private readonly Attacker _socket;
    private readonly CancellationToken _stop;
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();
    private readonly ConcurrentDictionary<uint, SemaphoreSlim> _credits = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly bool _gives;
    private uint _nextStream;

    private TransferClient(Attacker socket, bool gives, CancellationToken stop)
    {
        _socket = socket;
        _gives = gives;
        _stop = stop;
        Reading = Task.Run(ReadAsync, stop);
    }

    /// <summary>Ends with the connection.</summary>
    public Task Reading { get; }

    /// <summary>Comes in.</summary>
    /// <param name="attacked">Where.</param>
    /// <param name="gives">Whether it gives credit for what it is sent.</param>
    public static async Task<TransferClient> EnterAsync(AttackedHost attacked, bool gives = true) =>
        new(await attacked.EnterNativeAsync(), gives, attacked.Stop);

    /// <summary>Sends messages in one frame.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> messages)
    {
        byte[] frame = HostileClient.Frame(HostileClient.Binary, messages.Span);
        await _writing.WaitAsync(_stop);
        try
        {
            Assert.True(await _socket.TrySendAsync(frame, _stop), $"The connection was ended: {_socket.CloseCode} {_socket.CloseReason}");
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Sends a message as a stream, and as many of its chunks as are wanted, each once it has credit.</summary>
    /// <returns>The stream's number.</returns>
    public async Task<uint> UploadAsync(ReadOnlyMemory<byte> message, int chunksMax = int.MaxValue)
    {
        uint stream = Interlocked.Increment(ref _nextStream) - 1;
        uint total = (uint)((message.Length + ChunkBytes - 1) / ChunkBytes);
        SemaphoreSlim credit = _credits[stream] = new SemaphoreSlim(Window);
        await SendAsync(
            HostileNativeClient.Message(Stream, [.. Bytes(stream), 0, .. Bytes(0), .. Bytes((uint)message.Length), .. Bytes(0)]));
        for (uint index = 0; index < Math.Min(total, (uint)chunksMax); index++)
        {
            await credit.WaitAsync(_stop);
            if (!_credits.ContainsKey(stream)) break;
            ReadOnlyMemory<byte> data = message[(int)(index * ChunkBytes)..];
            await SendChunkAsync(stream, index, total, data[..Math.Min(ChunkBytes, data.Length)]);
        }

        return stream;
    }

    /// <summary>Sends one chunk, with credit or without.</summary>
    public Task SendChunkAsync(uint stream, uint index, uint total, ReadOnlyMemory<byte> data) =>
        SendAsync(HostileNativeClient.Message(Chunk, [.. Bytes(stream), .. Bytes(index), .. Bytes(total), .. data.Span]));

    /// <summary>The next answer, in words: to a publication or a call, or an error.</summary>
    public async Task<string> NextAsync() => await _answers.Reader.ReadAsync(_stop);

    private async Task ReadAsync()
    {
        try
        {
            while (await _socket.ReadFrameAsync(_stop) is var (first, payload) && first != 0)
            {
                if (first == HostileClient.Binary) await TakeAsync(payload[1..]);
            }
        }
        finally
        {
            _answers.Writer.TryComplete();
        }
    }

    private async Task TakeAsync(ReadOnlyMemory<byte> messages)
    {
        while (!messages.IsEmpty)
        {
            int end = 5 + BinaryPrimitives.ReadInt32LittleEndian(messages.Span[1..]);
            ReadOnlyMemory<byte> body = messages[5..end];
            byte kind = messages.Span[0];
            messages = messages[end..];
            switch (kind)
            {
                case Credit when body.Span[0] == 0
                    && _credits.TryGetValue(Word(body, 1), out SemaphoreSlim? credit): credit.Release((int)Word(body, 5)); break;
                case Chunk when _gives:
                    await SendAsync(HostileNativeClient.Message(Credit, [0, .. body.Span[..4], .. Bytes(1)]));
                    if (Word(body, 4) + 1 == Word(body, 8)) Answer($"stream {Word(body, 0)}");
                    break;
                case Ping: await SendAsync(HostileNativeClient.Message(Pong, body.Span)); break;
                case Published: Answer($"published {Word(body, 0)}"); break;
                case Result: Answer($"result {Word(body, 0)}"); break;
                case Fault: Answer($"fault {BinaryPrimitives.ReadUInt16LittleEndian(body.Span[4..])}"); break;
                case HostileNativeClient.Error:
                    if (body.Span[0] == 1 && _credits.TryRemove(Word(body, 3), out SemaphoreSlim? ended)) ended.Release(1000);
                    Answer($"error {body.Span[0]} {BinaryPrimitives.ReadUInt16LittleEndian(body.Span[1..])}");
                    break;
                default: break;
            }
        }
    }

    private void Answer(string text) => Assert.True(_answers.Writer.TryWrite(text));

    private static uint Word(ReadOnlyMemory<byte> body, int at) => BinaryPrimitives.ReadUInt32LittleEndian(body.Span[at..]);

    private static byte[] Bytes(uint number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, number);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
