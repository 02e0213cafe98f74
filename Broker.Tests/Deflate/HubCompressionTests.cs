using Broker.Dialects;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Settings;
using Xunit;

namespace Broker.Tests.Deflate;

/// <summary>The whole hub, with the client that .NET brings.</summary>
[Collection(NativeStates.Name)]
public sealed class HubCompressionTests
{
    [Fact]
    public async Task Publications_are_compressed_only_for_subscribers_that_agreed()
    {
        await using Hub hub = Start();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using Client wide = await Client.SubscribeAsync(hub, windowBits: 15, limit.Token);
        await using Client narrow = await Client.SubscribeAsync(hub, windowBits: 9, limit.Token);
        await using Client plain = await Client.SubscribeAsync(hub, windowBits: null, limit.Token);
        string text = string.Concat(Enumerable.Repeat("the same again, ", 500));
        Client[] all = [wide, narrow, plain];
        long[] before = [.. all.Select(client => client.BytesRead)];

        await plain.SendAsync(Publish(9, text), limit.Token);
        foreach (Client client in all)
        {
            while (!(await client.ReceiveAsync(limit.Token)).Contains(text, StringComparison.Ordinal)) { }
        }

        long[] cost = [.. all.Select((client, i) => client.BytesRead - before[i])];
        Assert.InRange(cost[0], 30, text.Length / 10);
        Assert.InRange(cost[1], 30, text.Length / 10);
        Assert.InRange(cost[2], text.Length, 2 * text.Length);

        // And the other way: a compressed command is understood.
        await wide.SendAsync(Publish(10, text + "!"), limit.Token);
        while (!(await plain.ReceiveAsync(limit.Token)).Contains(text + "!", StringComparison.Ordinal)) { }
    }

    [Fact]
    public async Task What_is_no_list_of_extensions_is_refused()
    {
        await using Hub hub = Start();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Sec-WebSocket-Extensions", "permessage-deflate;;");
        socket.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(AddressOf(hub), limit.Token));

        Assert.Equal(HttpStatusCode.BadRequest, socket.HttpStatusCode);
    }

    private static Hub Start()
    {
        var settings = new StandardSettings
        {
            Listen = new ListenSettings { Port = 0 },
            Reactors = 2,
            Compression = new CompressionSettings { Enabled = true },
        };
        var hub = new Hub(settings.Hub, Config.Empty, TimeProvider.System, Broker.Dialects.StandardDialects.Of(settings));
        hub.Start(plainHttp: null);
        return hub;
    }

    private static string Publish(int id, string text) => $$$"""{"id":{{{id}}},"publish":{"channel":"news","data":"{{{text}}}"}}""";

    private static Uri AddressOf(Hub hub) => new($"ws://{hub.Endpoints[0]}/connection/websocket");

    private sealed class Client : IAsyncDisposable
    {
        private readonly ClientWebSocket _socket = new();
        private readonly byte[] _buffer = new byte[64 * 1024];
        private readonly HttpMessageInvoker _invoker;
        private CountingStream? _wire;

        private Client() => _invoker = new HttpMessageInvoker(new SocketsHttpHandler { ConnectCallback = OpenAsync });

        public long BytesRead => _wire!.BytesRead;

        public static async Task<Client> SubscribeAsync(Hub hub, int? windowBits, CancellationToken limit)
        {
            var client = new Client();
            if (windowBits is { } bits)
            {
                client._socket.Options.DangerousDeflateOptions = new WebSocketDeflateOptions { ServerMaxWindowBits = bits };
            }

            await client._socket.ConnectAsync(AddressOf(hub), client._invoker, limit);
            await client.SendAsync("""{"id":1,"connect":{}}""", limit);
            Assert.Contains("\"client\"", await client.ReceiveAsync(limit), StringComparison.Ordinal);
            await client.SendAsync("""{"id":2,"subscribe":{"channel":"news"}}""", limit);
            while (!(await client.ReceiveAsync(limit)).Contains("\"subscribe\"", StringComparison.Ordinal)) { }
            return client;
        }

        public async Task SendAsync(string text, CancellationToken limit) =>
            await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, limit);

        public async Task<string> ReceiveAsync(CancellationToken limit)
        {
            int length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(_buffer.AsMemory(length), limit);
                length += part.Count;
            }
            while (!part.EndOfMessage);

            return Encoding.UTF8.GetString(_buffer, 0, length);
        }

        public ValueTask DisposeAsync()
        {
            _socket.Dispose();
            _invoker.Dispose();
            return ValueTask.CompletedTask;
        }

        private async ValueTask<Stream> OpenAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return _wire = new CountingStream(new NetworkStream(socket, ownsSocket: true));
        }
    }

    private sealed class CountingStream(NetworkStream inner) : Stream
    {
        private long _bytesRead;

        public long BytesRead => Interlocked.Read(ref _bytesRead);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = await inner.ReadAsync(buffer, cancellationToken);
            Interlocked.Add(ref _bytesRead, count);
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
