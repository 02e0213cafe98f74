using Broker.Core.Buffers;

namespace Broker.Core.Framing;

/// <summary>Assemblers of one event loop, kept for the next message that comes in pieces. Not for two threads.</summary>
/// <param name="buffers">Where their buffers come from.</param>
public sealed class AssemblerPool(BufferPool buffers)
{
    private const int KeptMax = 1024;

    private readonly Stack<MessageAssembler> _kept = new();

    /// <summary>An assembler without a message. The caller holds it and gives it back once, or drops it when it is clear.</summary>
    public MessageAssembler Rent() => _kept.TryPop(out MessageAssembler? assembler) ? assembler : new(buffers);

    /// <summary>Clears an assembler and takes it back.</summary>
    public void Return(MessageAssembler assembler)
    {
        assembler.Clear();
        if (_kept.Count < KeptMax) _kept.Push(assembler);
    }
}
