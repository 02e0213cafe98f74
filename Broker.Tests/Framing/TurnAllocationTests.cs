using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Framing;

[Collection(Alone.Name)]
public sealed class TurnAllocationTests
{
    private const uint Key = 0x37fa213d;

    [Theory]
    [InlineData(20, int.MaxValue)]
    [InlineData(1024, int.MaxValue)]
    [InlineData(16384, int.MaxValue)]
    [InlineData(70000, int.MaxValue)]
    [InlineData(20, 61)]
    [InlineData(1024, 997)]
    [InlineData(16384, 5000)]
    public void An_echoed_frame_allocates_nothing_whole_or_cut(int payloadBytes, int readBytes)
    {
        byte[] wire = Wire.Join(Enumerable.Repeat(FrameWriter.Frame(Opcode.Binary, Wire.Pattern(payloadBytes), Key), 8));
        byte[] text = Wire.Join(wire, FrameWriter.Ping("p"u8, Key), FrameWriter.Frame(Opcode.Text, "κόσμε"u8, Key));
        byte[] scratch = new byte[text.Length];
        var pool = new BufferPool();
        var engine = new FrameEngine(new(1 << 20, 100), pool);
        var turn = new Turn(pool);
        Assert.Equal(9 * 200, Echoed(200));

        Assert.Equal(0, Allocations.Least(() => Echoed(100)));
        Assert.Equal(0, pool.Outstanding);

        int Echoed(int rounds)
        {
            int messages = 0;
            for (int round = 0; round < rounds; round++)
            {
                int bytes;
                for (int read = 0; read < text.Length; read += bytes)
                {
                    bytes = Math.Min(readBytes, text.Length - read);
                    text.AsSpan(read, bytes).CopyTo(scratch);
                    turn.Begin(engine, scratch, 0, bytes);
                    while (turn.TryRead(out Message message)) turn.Echo(message);
                    messages += turn.MessagesIn;
                    turn.End();
                }
            }

            return messages;
        }
    }
}
