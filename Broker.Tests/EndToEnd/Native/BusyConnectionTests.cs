using System.Buffers;
using System.Net.WebSockets;
using System.Threading.Channels;
using Broker.Client;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>
/// Small things beside large ones: what is sent between the chunks of two streams is answered before either of them is whole.
/// </summary>
public sealed class BusyConnectionTests : StoreHost
{
    private const int StreamBytes = 64 * 1024 * 1024, ChunkBytes = 256 * 1024, Chunks = StreamBytes / ChunkBytes;
    private const int Window = 4, ChunksPerQuestion = 16, Questions = Chunks / ChunksPerQuestion;
    private const int FieldBytes = 64;      // Room for those of a publication and of a delivery before the data.
    private const uint Upload = 0;

    private readonly CancellationTokenSource _limit = new(Patience);
    private readonly ClientWebSocket _socket = new();
    private readonly Channel<byte[]> _sent = Channel.CreateUnbounded<byte[]>();
    private readonly byte[] _room = new byte[1 << 20];
    private readonly List<ulong> _pongs = [];
    private readonly List<uint> _results = [];
    private Task _sending = Task.CompletedTask;
    private int _credit = Window;           // Chunks that the hub takes now.
    private int _chunksCome;
    private int _chunksGranted = Window;
    private uint _download;                 // The number of the stream that comes.
    private bool _isPublished;

    [Fact]
    public async Task While_a_connection_sends_and_receives_64_MiB_its_pings_and_calls_are_answered_and_so_are_anothers()
    {
        byte[] large = PatternStream.Of(0, StreamBytes - FieldBytes);
        byte[] publish = NativeWriter.Message(new Publish { Request = 1, Channel = "up"u8, Data = large });
        await using BrokerClient other = await ConnectAsync(), publisher = await ConnectAsync();
        await OpenAsync();
        Task<PublishReceipt> publishing = publisher.PublishAsync("down", large, cancellationToken: _limit.Token);

        // All chunks but the last: that of the one stream is not sent, and that of the other is not granted.
        int sent = 0, asked = 0;
        Send(Header(Upload, publish.Length));
        while (sent < Chunks - 1 || _chunksCome < Chunks - 1 || _pongs.Count < asked || _results.Count < asked)
        {
            while (_credit > 0 && sent < Chunks - 1)
            {
                Send(ChunkOf(publish, sent));
                _credit--;
                sent++;
                if (sent % ChunksPerQuestion != 0) continue;
                asked++;
                Send(Ping((ulong)asked), Call((uint)asked, "len"));

                // While nothing reads what the hub says to the busy one.
                await other.PingAsync(_limit.Token);
                Assert.Equal(sizeof(ulong), (await other.CallAsync("len", default, cancellationToken: _limit.Token)).Length);
            }

            await ReceiveAsync();
        }

        Assert.False(publishing.IsFaulted);
        Assert.Equal(Questions - 1, asked);
        Assert.Equal(Enumerable.Range(1, asked).Select(static number => (ulong)number), _pongs);
        Assert.Equal(Enumerable.Range(1, asked).Select(static number => (uint)number), _results.Order());
        Assert.Equal((Chunks - 1, Chunks - 1, false), (sent, _chunksCome, _isPublished));

        Send(ChunkOf(publish, sent), Credit(_download, 1));
        while (!_isPublished || _chunksCome < Chunks) await ReceiveAsync();
        Assert.Equal(1, (await publishing).Receivers);
        _sent.Writer.Complete();
        await _sending;
        await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, _limit.Token);
        _socket.Dispose();
        _limit.Dispose();
    }

    private async Task OpenAsync()
    {
        _socket.Options.AddSubProtocol("v3.broker");
        await _socket.ConnectAsync(Host.NativeUri, _limit.Token);
        _sending = SendAsync();
        Send(Hello(window: Window));
        await ReceiveAsync();
        Send(Subscribe(2, "down"));
        await ReceiveAsync();
    }

    private static byte[] ChunkOf(byte[] message, int index) =>
        Chunk(Upload, (uint)index, Chunks, message.AsSpan(index * ChunkBytes, Math.Min(ChunkBytes, message.Length - (index * ChunkBytes))));

    // Leaves by itself: the one that waited for that would not read, and the hub would not read either.
    private void Send(params byte[][] messages) => Assert.True(_sent.Writer.TryWrite(Wire.Join(messages)));

    private async Task SendAsync()
    {
        await foreach (byte[] payload in _sent.Reader.ReadAllAsync(_limit.Token))
            await _socket.SendAsync(payload.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, _limit.Token);
    }

    private async Task ReceiveAsync()
    {
        int length = 0;
        ValueWebSocketReceiveResult got;
        do
        {
            got = await _socket.ReceiveAsync(_room.AsMemory(length), _limit.Token);
            length += got.Count;
        }
        while (!got.EndOfMessage);

        Assert.True(got.MessageType == WebSocketMessageType.Binary,
            $"The hub has closed: {_socket.CloseStatus} {_socket.CloseStatusDescription}");
        int chunks = Take(_room.AsSpan(1, length - 1));
        int more = Math.Min(chunks, Chunks - 1 - _chunksGranted);
        if (more <= 0) return;
        _chunksGranted += more;
        Send(Credit(_download, (uint)more));
    }

    // Of a whole payload; tells how many chunks were in it.
    private int Take(ReadOnlySpan<byte> messages)
    {
        int chunks = 0;
        var reader = new NativeReader(messages, Side.Client, batched: true);
        while (reader.Read(out NativeMessage message) == OperationStatus.Done)
        {
            switch (message.Kind)
            {
                case NativeKind.Chunk:
                    Assert.Equal((uint)_chunksCome++, message.As<Chunk>().Index);
                    chunks++;
                    break;
                case NativeKind.Stream: _download = message.As<StreamHeader>().Stream; break;
                case NativeKind.Credit: _credit += (int)message.As<Credit>().Count; break;
                case NativeKind.Pong: _pongs.Add(message.As<Pong>().Mark); break;
                case NativeKind.Result: _results.Add(message.As<CallResult>().Id); break;
                case NativeKind.Published: _isPublished = true; break;
                case NativeKind.Welcome or NativeKind.Subscribed or NativeKind.Ping: break;
                default: Assert.Fail($"The hub said {message.Kind}."); break;
            }
        }

        Assert.Equal(NativeFault.None, reader.Fault);
        return chunks;
    }
}
