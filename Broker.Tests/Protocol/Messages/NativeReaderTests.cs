using System.Buffers;
using System.Buffers.Binary;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Messages;

public sealed class NativeReaderTests
{
    public static TheoryData<string> Names => Samples.Names;

    [Theory, MemberData(nameof(Names))]
    public void A_message_is_written_as_it_is_printed(string name)
    {
        Sample sample = Samples.Named(name);

        Assert.Equal(Convert.ToHexString(sample.Bytes), Convert.ToHexString(sample.Write()));
    }

    [Theory, MemberData(nameof(Names))]
    public void A_message_reads_back_in_either_subprotocol(string name)
    {
        Sample sample = Samples.Named(name);
        foreach (bool batched in new[] { false, true })
        {
            var reader = new NativeReader(sample.Bytes, sample.Receiver, batched);

            Assert.Equal(OperationStatus.Done, reader.Read(out NativeMessage message));
            Assert.Equal(sample.Bytes, sample.Rewrite(message));
            Assert.Equal(sample.Bytes.Length, message.Bytes);
            Assert.Equal(0, reader.Index);
            Assert.Equal(OperationStatus.NeedMoreData, reader.Read(out _));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void A_message_cut_anywhere_is_an_error_that_names_it(string name)
    {
        Sample sample = Samples.Named(name);
        for (int cut = 0; cut < sample.Bytes.Length; cut++)
        {
            byte[] first = sample.Receiver == Side.Server ? Samples.Named("ping").Bytes : Samples.Named("pong").Bytes;
            var reader = new NativeReader(Wire.Join(first, sample.Bytes[..cut]), sample.Receiver, batched: true);

            Assert.Equal(OperationStatus.Done, reader.Read(out _));
            Assert.Equal(cut == 0 ? OperationStatus.NeedMoreData : OperationStatus.InvalidData, reader.Read(out _));
            if (cut > 0) Assert.Equal((NativeFault.Truncated, 1), (reader.Fault, reader.Index));
        }
    }

    [Theory]
    [InlineData(int.MaxValue, int.MaxValue)]
    [InlineData(0x8000_0000, int.MaxValue)]
    [InlineData(uint.MaxValue, int.MaxValue)]
    public void A_count_may_have_every_number_of_its_width(uint written, int read)
    {
        byte[] hello = Samples.Named("hello").Bytes;
        byte[] welcome = Samples.Named("welcome").Bytes;
        foreach (int at in (int[])[8, 12, 16]) BinaryPrimitives.WriteUInt32LittleEndian(hello.AsSpan(at), written);
        BinaryPrimitives.WriteUInt64LittleEndian(welcome.AsSpan(24), ulong.MaxValue - uint.MaxValue + written);
        BinaryPrimitives.WriteUInt32LittleEndian(welcome.AsSpan(welcome.Length - 6), written);

        var reader = new NativeReader(hello, Side.Server, batched: true);
        Assert.Equal(OperationStatus.Done, reader.Read(out NativeMessage message));
        Hello sent = message.As<Hello>();
        Assert.Equal((read, read, read), (sent.FrameBytesMax, sent.WindowChunks, sent.WindowItems));

        reader = new NativeReader(welcome, Side.Client, batched: true);
        Assert.Equal(OperationStatus.Done, reader.Read(out message));
        NativeLimits limits = message.As<Welcome>().Limits;
        Assert.Equal((long.MaxValue, read), (limits.StreamBytesMax, limits.PingMilliseconds));
    }

    // The length is right for the frame and wrong for the kind: no field may be read past the body's end.
    [Theory, MemberData(nameof(Names))]
    public void A_body_cut_anywhere_never_reads_past_its_end(string name)
    {
        Sample sample = Samples.Named(name);
        for (int cut = NativeProtocol.HeadBytes; cut < sample.Bytes.Length; cut++)
        {
            byte[] cutBody = sample.Bytes[..cut];
            BinaryPrimitives.WriteUInt32LittleEndian(cutBody.AsSpan(1), (uint)(cut - NativeProtocol.HeadBytes));
            var reader = new NativeReader(cutBody, sample.Receiver, batched: true);

            OperationStatus status = reader.Read(out NativeMessage message);

            if (status == OperationStatus.Done) Assert.Equal(cutBody, sample.Rewrite(message));
            else Assert.True(reader.Fault is NativeFault.Malformed or NativeFault.NotUtf8);
        }
    }

    [Theory]
    [InlineData("", NativeFault.EmptyPayload, 0, CloseCode.InvalidPayload)]
    [InlineData("00", NativeFault.UnknownKind, 0, CloseCode.InvalidPayload)]
    [InlineData("7f 00000000", NativeFault.UnknownKind, 0, CloseCode.InvalidPayload)]
    [InlineData("23 04000000 04000000 ff", NativeFault.UnknownKind, 1, CloseCode.InvalidPayload)]
    [InlineData("23 04000000 04000000 23", NativeFault.Truncated, 1, CloseCode.InvalidPayload)]
    [InlineData("23 ffffffff 04000000", NativeFault.Truncated, 0, CloseCode.InvalidPayload)]
    [InlineData("23 05000000 04000000 00", NativeFault.Malformed, 0, CloseCode.InvalidPayload)]
    [InlineData("23 03000000 040000", NativeFault.Malformed, 0, CloseCode.InvalidPayload)]
    [InlineData("14 08000000 03000000 0200 c328", NativeFault.NotUtf8, 0, CloseCode.InvalidPayload)]
    [InlineData("14 07000000 03000000 0200 61", NativeFault.Malformed, 0, CloseCode.InvalidPayload)]
    [InlineData("22 07000000 01000080 0100 ff", NativeFault.NotUtf8, 0, CloseCode.InvalidPayload)]
    [InlineData("32 09000000 02 00000000 04000000", NativeFault.Malformed, 0, CloseCode.InvalidPayload)]
    [InlineData("16 0c000000 07000000 2b00000000000000", NativeFault.WrongSide, 0, CloseCode.PolicyViolation)]
    public void Different_errors_are_distinguished(string hex, NativeFault fault, int index, CloseCode code)
    {
        var reader = new NativeReader(Wire.Bytes(hex), Side.Server, batched: true);
        OperationStatus status;
        while ((status = reader.Read(out _)) == OperationStatus.Done)
        {
        }

        Assert.Equal(OperationStatus.InvalidData, status);
        Assert.Equal((fault, index, code), (reader.Fault, reader.Index, reader.Fault.CloseCode));
        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
        Assert.Equal(index, reader.Index);
    }

    [Fact]
    public void A_second_message_in_a_frame_of_v2_is_refused_after_the_first()
    {
        byte[] cancel = Samples.Named("cancel").Bytes;
        var reader = new NativeReader(Wire.Join(cancel, cancel), Side.Server, batched: false);

        Assert.Equal(OperationStatus.Done, reader.Read(out _));
        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
        Assert.Equal((NativeFault.NotBatched, 1), (reader.Fault, reader.Index));
    }

    [Fact]
    public void A_payload_over_the_limit_is_not_looked_at()
    {
        byte[] cancel = Samples.Named("cancel").Bytes;

        var fits = new NativeReader(cancel, Side.Server, batched: true, frameBytesMax: cancel.Length);
        var passes = new NativeReader(cancel, Side.Server, batched: true, frameBytesMax: cancel.Length - 1);

        Assert.Equal(OperationStatus.Done, fits.Read(out _));
        Assert.Equal(OperationStatus.InvalidData, passes.Read(out _));
        Assert.Equal((NativeFault.PayloadTooBig, CloseCode.MessageTooBig), (passes.Fault, passes.Fault.CloseCode));
    }

    [Fact]
    public void The_4097th_message_of_a_frame_is_refused_and_those_before_it_are_not()
    {
        byte[] frame = Wire.Join(Enumerable.Repeat(Samples.Named("cancel").Bytes, NativeProtocol.MessagesPerFrameMax + 1));
        var reader = new NativeReader(frame, Side.Server, batched: true);

        int read = 0;
        while (reader.Read(out _) == OperationStatus.Done) read++;

        Assert.Equal(NativeProtocol.MessagesPerFrameMax, read);
        Assert.Equal((NativeFault.TooManyMessages, read), (reader.Fault, reader.Index));
    }

    [Fact]
    public void Reading_a_message_as_another_kind_throws()
    {
        Assert.Throws<InvalidOperationException>(() =>
        {
            var reader = new NativeReader(Samples.Named("cancel").Bytes, Side.Server, batched: true);
            reader.Read(out NativeMessage message);
            message.As<Ping>();
        });
    }

    [Fact]
    public void A_message_in_several_buffers_reads_from_the_first()
    {
        byte[] whole = NativeWriter.Message(new Publish { Request = 9, Channel = "big"u8, Data = Wire.Pattern(5000) });

        NativeFault fault = NativeReader.ReadLong(whole.AsSpan(0, 1000), whole.Length, Side.Server, out NativeMessage message);

        Assert.Equal(NativeFault.None, fault);
        Publish publish = message.As<Publish>();
        Assert.Equal(9u, publish.Request);
        Assert.Equal("big"u8, publish.Channel);
        Assert.Equal(whole.AsSpan(14, 1000 - 14), publish.Data);
        Assert.Equal(NativeFault.Truncated, NativeReader.ReadLong(whole.AsSpan(0, 1000), whole.Length - 1, Side.Server, out _));
        Assert.Equal(NativeFault.NotBatched, NativeReader.ReadLong(whole.AsSpan(0, 1000), whole.Length + 1, Side.Server, out _));
        Assert.Equal(NativeFault.Malformed, NativeReader.ReadLong(whole.AsSpan(0, 12), whole.Length, Side.Server, out _));
        Assert.Equal(NativeFault.EmptyPayload, NativeReader.ReadLong(default, 0, Side.Server, out _));
    }

    [Fact]
    public void A_stream_holds_no_message_about_streams()
    {
        byte[] chunk = Samples.Named("chunk").Bytes;

        Assert.Equal(NativeFault.Malformed, NativeReader.ReadLong(chunk, chunk.Length, Side.Server, out _));
    }
}
