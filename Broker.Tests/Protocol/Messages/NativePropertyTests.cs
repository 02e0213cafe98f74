using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using CsCheck;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Tests.Protocol.Messages;

public sealed class NativePropertyTests
{
    private static readonly Gen<byte[]> Texts = Gen.String[0, 80].Select(Encoding.UTF8.GetBytes);

    // A sample, one of its bytes changed, or a body of nothing in particular under a right length.
    private static readonly Gen<byte[]> Pieces = Gen.OneOf(
        Gen.Int[0, Samples.All.Count - 1].Select(i => Samples.All[i].Bytes),
        Gen.Select(Gen.Int[0, Samples.All.Count - 1], Gen.Int[0, 1000], Gen.Byte, (i, at, value) =>
        {
            byte[] bytes = Samples.All[i].Bytes;
            bytes[at % bytes.Length] = value;
            return bytes;
        }),
        Gen.Select(Gen.Byte[0, 0x40], Gen.Byte.Array[0, 60], (kind, body) =>
        {
            byte[] bytes = [kind, 0, 0, 0, 0, .. body];
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1), body.Length);
            return bytes;
        }),
        Gen.Byte.Array[0, 40]);

    [Fact]
    public void What_is_written_reads_back()
    {
        Gen.Select(Gen.UInt, Texts, Gen.Byte.Array[0, 300], Gen.ULong).Sample((number, text, data, large) =>
        {
            Span<byte> target = new byte[4096];
            var writer = new NativeWriter(target);
            Assert.True(writer.TryWrite(new Publish { Request = number, Channel = text, Data = data }));
            Assert.True(writer.TryWrite(new Subscribe { Request = number, Epoch = large, Offset = ~large, Channel = text, Token = text }));
            Assert.True(writer.TryWrite(new Call { Id = number, Method = new(large), DeadlineMilliseconds = number, Arguments = data }));
            Assert.True(writer.TryWrite(new Chunk { Stream = number, Index = ~number, Total = number, Data = data }));
            var reader = new NativeReader(target[..writer.Position], Side.Server, batched: true);

            reader.Read(out NativeMessage message);
            Publish publish = message.As<Publish>();
            Assert.True(publish.Request == number && publish.Channel.SequenceEqual(text) && publish.Data.SequenceEqual(data));
            reader.Read(out message);
            Subscribe subscribe = message.As<Subscribe>();
            Assert.True(subscribe.Epoch == large && subscribe.Offset == ~large && subscribe.Token.SequenceEqual(text));
            reader.Read(out message);
            Call call = message.As<Call>();
            Assert.True(call.Id == number && call.Method.Value == large && call.Arguments.SequenceEqual(data));
            reader.Read(out message);
            Chunk chunk = message.As<Chunk>();
            Assert.True(chunk.Index == ~number && chunk.Total == number && chunk.Data.SequenceEqual(data));
            Assert.Equal(OperationStatus.NeedMoreData, reader.Read(out _));
        }, iter: 2000);
    }

    // R-000-3: however messages are grouped in frames, they are the same messages in the same order.
    [Fact]
    public void Every_split_of_a_batch_into_frames_is_the_same_run()
    {
        byte[][] messages = [.. Samples.All.Where(sample => sample.Receiver == Side.Server).Select(sample => sample.Bytes)];
        string[] whole = Read([Wire.Join(messages)]);
        Assert.Equal(messages.Length, whole.Length);

        for (int pattern = 0; pattern < 1 << (messages.Length - 1); pattern++)
        {
            List<byte[]> frames = [];
            int start = 0;
            for (int i = 1; i <= messages.Length; i++)
            {
                if (i < messages.Length && (pattern >> (i - 1) & 1) == 0) continue;
                frames.Add(Wire.Join(messages[start..i]));
                start = i;
            }

            Assert.Equal(whole, Read(frames));
        }
    }

    [Fact]
    public void Random_bytes_never_throw_and_what_is_read_is_what_was_there() =>
        Pieces.Array[0, 12].Sample(pieces =>
        {
            byte[] frame = Wire.Join(pieces);
            foreach (Side side in new[] { Side.Server, Side.Client })
            {
                var reader = new NativeReader(frame, side, batched: true);
                int at = 0;
                while (reader.Read(out NativeMessage message) == OperationStatus.Done)
                {
                    byte[] again = Samples.Of(message.Kind).Rewrite(message);
                    Assert.Equal(WithoutHugeCounts(frame[at..(at + message.Bytes)]), again);
                    at += message.Bytes;
                }

                Assert.Equal(reader.Fault == NativeFault.None, at == frame.Length && at > 0);
            }
        }, iter: 20_000);

    // A count of 2^31 or more, of eight bytes 2^63 or more, is read as the largest below it.
    private static byte[] WithoutHugeCounts(byte[] message)
    {
        (int[] words, int[] longs) = (NativeKind)message[0] switch
        {
            NativeKind.Hello => (new[] { 8, 12, 16 }, Array.Empty<int>()),
            NativeKind.Welcome => ([8, 12, 16, 20, 32, 36, 40, 44, 48], [24]),
            _ => ([], []),
        };
        foreach (int at in words)
        {
            Span<byte> count = message.AsSpan(at, sizeof(uint));
            WriteUInt32LittleEndian(count, Math.Min(ReadUInt32LittleEndian(count), int.MaxValue));
        }

        foreach (int at in longs)
        {
            Span<byte> count = message.AsSpan(at, sizeof(ulong));
            WriteUInt64LittleEndian(count, Math.Min(ReadUInt64LittleEndian(count), long.MaxValue));
        }

        return message;
    }

    private static string[] Read(IReadOnlyList<byte[]> frames)
    {
        List<string> seen = [];
        foreach (byte[] frame in frames)
        {
            var reader = new NativeReader(frame, Side.Server, batched: true);
            while (reader.Read(out NativeMessage message) == OperationStatus.Done)
            {
                seen.Add($"{message.Kind} {Convert.ToHexString(message.Body)}");
            }

            Assert.Equal(NativeFault.None, reader.Fault);
        }

        return [.. seen];
    }
}
