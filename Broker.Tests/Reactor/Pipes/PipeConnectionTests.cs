using System.Net;
using System.Threading.Channels;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using Broker.Reactor.Pipes;
using Broker.Tests.Reactor.Loops;
using Broker.Tests.Upgrade;

namespace Broker.Tests.Reactor.Pipes;

public sealed class PipeConnectionTests
{
    private const uint Key = 0x37fa213d;

    /// <remarks>
    /// A reply of a megabyte is far over what may wait before the client itself is left unread. If the carrier then takes it all
    /// at once, no write is under way whose end would ask for more.
    /// </remarks>
    [Fact]
    public void A_client_is_read_again_when_what_waited_for_it_has_left_at_once()
    {
        var acceptor = new NoAcceptor();
        using var loop = new PortableLoop(0, new ReactorSettings(), acceptor, TimeProvider.System);
        using var carrier = new Carrier();
        _ = loop.AdoptAsync(carrier, Opening());
        RunUntil(loop, () => acceptor.OpenedOnes.Count == 1);
        acceptor.OpenedOnes[0].Attach(new Echo());

        carrier.Send(FrameWriter.Frame(Opcode.Binary, new byte[1 << 20], Key));
        RunUntil(loop, () => carrier.Written >= 1 << 20);
        carrier.Send(FrameWriter.Frame(Opcode.Text, "still there?"u8, Key));

        RunUntil(loop, () => carrier.Written == 10 + (1 << 20) + 2 + "still there?".Length);
        acceptor.OpenedOnes[0].Abort(ClosureCause.ClosedByServer, "the test is over");
    }

    // Each read of the carrier wakes the loop.
    private static void RunUntil(PortableLoop loop, Func<bool> condition)
    {
        long end = Environment.TickCount64 + 60_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < end, "The client waits for ever.");
            loop.RunOnce(100);
        }
    }

    private static CarriedOpening Opening() => new(
        new WebSocketEndpoint
        {
            Path = "/",
            Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
            Origins = new OriginRule([]),
            Engine = new FrameEngineSettings(MessageBytesMax: 1 << 21, FragmentsMax: 8),
        },
        default,
        Heads.Read(Heads.With()));

    private sealed class Echo : IConnectionHandler
    {
        public void OnReceived(Turn turn)
        {
            while (turn.TryRead(out Message message)) turn.Echo(message);
        }

        public void OnDeadline()
        {
        }

        public void OnEnded(Closure closure)
        {
        }
    }

    /// <summary>Takes whatever is written, at once.</summary>
    private sealed class Carrier : Stream, ICarrier
    {
        private readonly Channel<byte[]> _sent = Channel.CreateUnbounded<byte[]>();
        private byte[] _rest = [];

        public int Written { get; private set; }

        public Stream Frames => this;

        public IPEndPoint Remote { get; } = new(IPAddress.Loopback, 1);

        public bool CanEndSending => false;

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Send(byte[] bytes) => Assert.True(_sent.Writer.TryWrite(bytes));

        public void Abort()
        {
        }

        public Task EndSendingAsync() => Task.CompletedTask;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_rest.Length == 0) _rest = await _sent.Reader.ReadAsync(cancellationToken);
            int count = Math.Min(_rest.Length, buffer.Length);
            _rest.AsSpan(0, count).CopyTo(buffer.Span);
            _rest = _rest[count..];
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Written += buffer.Length;
            return ValueTask.CompletedTask;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
