using System.IO.Pipelines;
using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.SelfTests;

/// <summary>A server that says its lines whatever it receives: some at once, the rest when the client's close frame comes.</summary>
/// <param name="atOnce">Frames in hex, from the end of the handshake on.</param>
/// <param name="onClose">Frames in hex, in answer to the client's close frame.</param>
/// <param name="endsOnClose">Whether it then ends the stream.</param>
internal sealed class ScriptedServer(string atOnce, string onClose, bool endsOnClose) : Stream, IConformanceConnector
{
    private readonly Pipe _sent = new();

    public string Name => "a script";

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public async Task<ConformanceConnection> OpenAsync(string? extensionOffer, CancellationToken stop)
    {
        await SendAsync(atOnce, stop);
        return new ConformanceConnection(_sent.Reader.AsStream(), this, ExtensionAnswer: null);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Span[0] != 0x88) return;
        await SendAsync(onClose, cancellationToken);
        if (endsOnClose) await _sent.Writer.CompleteAsync();
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    private async Task SendAsync(string hex, CancellationToken stop) =>
        await _sent.Writer.WriteAsync(Octets.OfHex(hex).ToArray(), stop);
}
