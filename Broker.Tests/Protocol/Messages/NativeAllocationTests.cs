using System.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Messages;

public sealed class NativeAllocationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_message_read_or_written_allocates_nothing_batched_or_not(bool batched)
    {
        byte[] data = Wire.Pattern(120);
        byte[] frame = new byte[64 * 1024];
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        Run(200);
        int read = 0;

        Assert.Equal(0, Allocations.Least(() => read = Run(100)));
        Assert.Equal(100 * (batched ? 64 : 1), read);

        int Run(int rounds)
        {
            int messages = 0;
            for (int round = 0; round < rounds; round++)
            {
                var writer = new NativeWriter(frame);
                buffer.ResetWrittenCount();
                for (int i = 0; i < (batched ? 64 : 1); i++)
                {
                    var publish = new Publish { Request = (uint)i, Channel = "news"u8, Data = data };
                    writer.TryWrite(publish);
                    NativeWriter.Write(buffer, publish);
                }

                var reader = new NativeReader(frame.AsSpan(0, writer.Position), Side.Server, batched);
                while (reader.Read(out NativeMessage message) == OperationStatus.Done)
                {
                    if (message.As<Publish>().Data.Length == data.Length) messages++;
                }
            }

            return messages;
        }
    }

    [Fact]
    public void A_message_that_does_not_fit_is_not_begun()
    {
        byte[] target = new byte[9 + 8];
        var writer = new NativeWriter(target);

        Assert.True(writer.TryWrite(new Core.Protocol.Messages.CallCancel { Id = 4 }));
        Assert.False(writer.TryWrite(new Core.Protocol.Messages.CallCancel { Id = 5 }));
        Assert.Equal(9, writer.Position);
        Assert.Equal(Samples.Named("cancel").Bytes, target[..9]);
        Assert.Equal(new byte[8], target[9..]);
    }
}
