using Broker.Client;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;

namespace Broker.Tests.Client;

public sealed class BrokerClientTests : ClientTest
{
    [Fact]
    public async Task It_offers_both_subprotocols_and_handles_hello_and_welcome()
    {
        Task<BrokerClient> connecting = BrokerClient.ConnectAsync(Options with { Compressions = Compressions.All });
        HubSide side = await Hub.AcceptAsync();
        byte[] hello = await side.ReceiveAsync();
        await side.SendAsync(NativeWriter.Message(new Welcome { Version = 1, Limits = NativeLimits.Default, Client = "c7"u8 }));
        await using BrokerClient client = await connecting.WaitAsync(ScriptedHub.Patience);

        Assert.Equal([NativeProtocol.Batched, NativeProtocol.Unbatched], side.Offered);
        Assert.Equal(Wire.Bytes("01 19000000 0100 03 00001000 04000000 08000000 04 64656d6f 736573616d"), hello);
        Assert.Equal((ClientState.Connected, "c7"), (client.State, client.ClientId));
        side.Over.SetResult();
    }

    [Fact]
    public async Task Hello_carries_both_windows()
    {
        Task<BrokerClient> connecting = BrokerClient.ConnectAsync(Options with { StreamWindow = 6, ItemsWindow = 1 });
        HubSide side = await Hub.AcceptAsync();

        Assert.Equal(
            (6, 1), Read(await side.ReceiveAsync(), message => (message.As<Hello>().WindowChunks, message.As<Hello>().WindowItems)));
        side.Over.SetResult();
        await Assert.ThrowsAsync<ConnectionLostException>(() => connecting.WaitAsync(ScriptedHub.Patience));
    }

    [Fact]
    public async Task A_window_in_which_nothing_can_come_is_refused_by_its_name()
    {
        var streams =
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => BrokerClient.ConnectAsync(Options with { StreamWindow = 0 }));
        var items = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => BrokerClient.ConnectAsync(Options with { ItemsWindow = -1 }));

        Assert.Equal(("options.StreamWindow", "options.ItemsWindow"), (streams.ParamName, items.ParamName));
    }

    [Fact]
    public async Task The_hub_gets_credit_for_chunks_when_half_of_its_window_has_come()
    {
        await ConnectAsync(Options with { StreamWindow = 6 });
        Task<ReadOnlyMemory<byte>> calling = Client.CallAsync("long", default);
        await Side.ReceiveAsync();

        await Side.SendAsync(
            NativeWriter.Message(new StreamHeader { Stream = 0, Purpose = StreamPurpose.Result, Reference = 1, Bytes = 9 }));
        for (uint i = 0; i < 2; i++) await Side.SendAsync(ChunkOf(i));
        await Side.SendAsync(NativeWriter.Message(new Ping { Mark = 1 }));
        Assert.Equal(NativeKind.Pong, HubSide.KindOf(await Side.ReceiveAsync()));
        await Side.SendAsync(ChunkOf(2));
        Assert.Equal(NativeWriter.Message(new Credit { Scope = CreditScope.Stream, Id = 0, Count = 3 }), await Side.ReceiveAsync());
        for (uint i = 3; i < 9; i++) await Side.SendAsync(ChunkOf(i));
        Assert.Equal(new byte[] { 0, 1, 2, 3, 4, 5, 6, 7, 8 }, (await calling.WaitAsync(ScriptedHub.Patience)).ToArray());

        static byte[] ChunkOf(uint index) => NativeWriter.Message(new Chunk { Stream = 0, Index = index, Total = 9, Data = [(byte)index] });
    }

    [Fact]
    public async Task A_publication_waits_for_its_position_and_a_rejection_has_a_reason()
    {
        await ConnectAsync();
        Task<PublishReceipt> first = Client.PublishAsync("news", "hello"u8.ToArray());
        Task<PublishReceipt> second = Client.PublishAsync("secret", "hello"u8.ToArray());
        Assert.Equal(Wire.Bytes("14 0f000000 01000000 0400 6e657773 68656c6c6f"), await Side.ReceiveAsync());
        await Side.ReceiveAsync();
        await Side.SendAsync(
            NativeWriter.Message(new NativeError { Scope = ErrorScope.Request, Code = 103, Id = 2, Text = "permission denied"u8 }),
            NativeWriter.Message(new Published { Request = 1, Receivers = 3, Offset = 42 }));

        Assert.Equal(new PublishReceipt(42, 3), await first.WaitAsync(ScriptedHub.Patience));
        RequestRejectedException refused = await Assert.ThrowsAsync<RequestRejectedException>(() => second);
        Assert.Equal(103, refused.Code);
        Assert.Contains("permission denied", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(NativeProtocol.Batched, 1)]
    [InlineData(NativeProtocol.Unbatched, 3)]
    public async Task A_batch_leaves_in_one_frame_in_v3(string subprotocol, int frames)
    {
        Hub.Subprotocol = subprotocol;
        await ConnectAsync();
        var publishing = new List<Task>();
        using (Client.Batch())
        {
            for (int i = 0; i < 3; i++) publishing.Add(Client.PublishAsync("news", new byte[] { (byte)i }));
        }

        var received = new List<byte[]>();
        for (int i = 0; i < frames; i++) received.AddRange(await Side.ReceiveFrameAsync());

        Assert.Equal([0, 1, 2], received.Select(message => message[^1]));
        Assert.DoesNotContain(publishing, task => task.IsCompleted);
        Side.Abort();
        foreach (Task task in publishing) await Assert.ThrowsAsync<ConnectionLostException>(() => task);
    }

    [Fact]
    public async Task A_full_queue_rejects_and_sends_what_it_accepted()
    {
        await ConnectAsync(Options with { SendBytesMax = 100 });
        Task<PublishReceipt> taken;
        using (Client.Batch())
        {
            taken = Client.PublishAsync("news", new byte[60]);
            await Assert.ThrowsAsync<QueueFullException>(() => Client.PublishAsync("news", new byte[60]));
        }

        Assert.Single(await Side.ReceiveFrameAsync());
        await Side.SendAsync(NativeWriter.Message(new Published { Request = 1 }));
        await taken.WaitAsync(ScriptedHub.Patience);
    }

    [Fact]
    public async Task Answers_come_in_any_order_and_each_reaches_its_caller()
    {
        await ConnectAsync();
        Task<ReadOnlyMemory<byte>> first = Client.CallAsync("read", "a"u8.ToArray());
        Task<ReadOnlyMemory<byte>> second = Client.CallAsync("nothing", default);
        byte[] call = await Side.ReceiveAsync();
        await Side.ReceiveAsync();
        Assert.Equal(Wire.Bytes("20 12000000 01000000 f2cdf251a122262c 00000000 00 61"), call);
        await Side.SendAsync(
            NativeWriter.Message(new CallFault { Id = 2, Code = FaultCode.UnknownMethod, Text = "no such method"u8 }),
            NativeWriter.Message(new CallResult { Id = 99, Data = "nobody's"u8 }),
            NativeWriter.Message(new CallResult { Id = 1, Data = "one"u8 }));

        Assert.Equal("one"u8.ToArray(), (await first.WaitAsync(ScriptedHub.Patience)).ToArray());
        CallFailedException failed = await Assert.ThrowsAsync<CallFailedException>(() => second);
        Assert.Equal((FaultCode.UnknownMethod, "no such method"), (failed.Code, failed.Text));
    }

    [Fact]
    public async Task A_method_of_JSON_is_a_delegate()
    {
        await ConnectAsync();
        Func<int[], CancellationToken, Task<Sum?>> sum = Client.Method<int[], Sum>("sum");
        Task<Sum?> summing = sum([1, 2], default);
        string arguments = Read(await Side.ReceiveAsync(), message => System.Text.Encoding.UTF8.GetString(message.As<Call>().Arguments));
        await Side.SendAsync(NativeWriter.Message(new CallResult { Id = 1, Data = "{\"total\":3}"u8 }));

        Assert.Equal("[1,2]", arguments);
        Assert.Equal(new Sum(3), await summing.WaitAsync(ScriptedHub.Patience));
    }

    [Fact]
    public async Task A_deadline_is_sent_to_the_hub_and_enforced_locally()
    {
        await ConnectAsync();
        Task<ReadOnlyMemory<byte>> call = Client.CallAsync("slow", default, new CallSettings { Deadline = TimeSpan.FromSeconds(2) });
        uint milliseconds = Read(await Side.ReceiveAsync(), message => message.As<Call>().DeadlineMilliseconds);
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(call.IsCompleted);
        Time.Advance(TimeSpan.FromSeconds(1));

        CallFailedException failed = await Assert.ThrowsAsync<CallFailedException>(() => call.WaitAsync(ScriptedHub.Patience));
        Assert.Equal((2000u, FaultCode.Deadline), (milliseconds, failed.Code));
        Assert.Equal(Wire.Bytes("23 04000000 01000000"), await Side.ReceiveAsync());
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled_over_there_and_a_late_answer_is_nobodys()
    {
        await ConnectAsync();
        using var cancel = new CancellationTokenSource();
        Task<ReadOnlyMemory<byte>> call = Client.CallAsync("slow", default, cancellationToken: cancel.Token);
        await Side.ReceiveAsync();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(ScriptedHub.Patience));
        Assert.Equal(Wire.Bytes("23 04000000 01000000"), await Side.ReceiveAsync());
        await Side.SendAsync(NativeWriter.Message(new CallResult { Id = 1 }), NativeWriter.Message(new Ping { Mark = 5 }));
        Assert.Equal(NativeWriter.Message(new Pong { Mark = 5 }), await Side.ReceiveAsync());
    }

    [Fact]
    public async Task A_lost_connection_fails_what_waits_and_what_is_begun_without_one_fails_at_once()
    {
        await ConnectAsync();
        Task<ReadOnlyMemory<byte>> call = Client.CallAsync("slow", default);
        await Side.ReceiveAsync();
        Side.Abort();

        await Assert.ThrowsAsync<ConnectionLostException>(() => call.WaitAsync(ScriptedHub.Patience));
        await AwaitStateAsync(ClientState.Waiting);
        await Assert.ThrowsAsync<ConnectionLostException>(() => Client.CallAsync("slow", default));
        await Assert.ThrowsAsync<ConnectionLostException>(() => Client.PublishAsync("news", default));
    }

    [Fact]
    public async Task A_large_publication_goes_in_chunks_within_credit_and_reports_progress()
    {
        const int Size = 1_000_000;
        await ConnectAsync(limits: NativeLimits.Default with { ChunkBytesMax = 100_000, WindowChunks = 2 });
        var progress = new Received();
        byte[] data = [.. Enumerable.Range(0, Size).Select(i => (byte)(i * 7))];
        Task<PublishReceipt> publishing = Client.PublishAsync("news", data, progress);

        using var received = new MemoryStream();
        ulong announced = Read(await Side.ReceiveAsync(), message => message.As<StreamHeader>().Bytes);
        for (uint chunk = 0; received.Length < (long)announced; chunk++)
        {
            received.Write(Read(await Side.ReceiveAsync(), message => message.As<Chunk>().Data.ToArray()));
            await Side.SendAsync(NativeWriter.Message(new Credit { Scope = CreditScope.Stream, Id = 0, Count = 1 }));
        }

        byte[] whole = received.ToArray();
        Assert.Equal(data, Read(whole, message => message.As<Publish>().Data.ToArray()));
        Assert.Equal(new TransferProgress(Size, Size), progress.Reports[^1]);
        Assert.Equal(11, progress.Reports.Count);
        await Side.SendAsync(NativeWriter.Message(new Published { Request = 1, Offset = 1 }));
        await publishing.WaitAsync(ScriptedHub.Patience);
    }

    [Fact]
    public async Task A_large_publication_can_be_cancelled_half_way_and_one_too_large_is_not_begun()
    {
        await ConnectAsync(limits: NativeLimits.Default with { ChunkBytesMax = 100_000, WindowChunks = 1, StreamBytesMax = 2_000_000 });
        await Assert.ThrowsAsync<PayloadTooLargeException>(() => Client.PublishAsync("news", new byte[2_000_001]));
        using var cancel = new CancellationTokenSource();
        Task<PublishReceipt> publishing = Client.PublishAsync("news", new byte[1_000_000], cancellationToken: cancel.Token);
        await Side.ReceiveAsync();
        await Side.ReceiveAsync();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing.WaitAsync(ScriptedHub.Patience));
        Assert.Equal(NativeWriter.Message(new StreamCancel { Owner = StreamOwner.Mine, Stream = 0 }), await Side.ReceiveAsync());
    }

    [Fact]
    public async Task A_rejected_transfer_fails_only_its_sender()
    {
        await ConnectAsync(limits: NativeLimits.Default with { ChunkBytesMax = 100_000, WindowChunks = 1 });
        Task<ReadOnlyMemory<byte>> large = Client.CallAsync("write", new byte[1_000_000]);
        await Side.ReceiveAsync();
        await Side.SendAsync(
            NativeWriter.Message(new StreamCancel { Owner = StreamOwner.Yours, Stream = 0, Code = ChunkError.ProcessFull }));

        RequestRejectedException refused = await Assert.ThrowsAsync<RequestRejectedException>(() => large.WaitAsync(ScriptedHub.Patience));
        Assert.Equal((int)ChunkError.ProcessFull, refused.Code);
        Assert.Equal(ClientState.Connected, Client.State);
    }

    [Fact]
    public async Task A_chunked_result_reports_progress_and_is_complete()
    {
        await ConnectAsync();
        var progress = new Received();
        Task<ReadOnlyMemory<byte>> call = Client.CallAsync("read", default, new CallSettings { Download = progress });
        await Side.ReceiveAsync();
        await Side.SendAsync(
            NativeWriter.Message(new StreamHeader { Stream = 0, Purpose = StreamPurpose.Result, Reference = 1, Bytes = 5 }),
            NativeWriter.Message(new Chunk { Stream = 0, Index = 1, Total = 2, Data = "lo"u8 }),
            NativeWriter.Message(new Chunk { Stream = 0, Index = 0, Total = 2, Data = "hel"u8 }),
            NativeWriter.Message(new CallResult { Id = 1 }));

        Assert.Equal("hello"u8.ToArray(), (await call.WaitAsync(ScriptedHub.Patience)).ToArray());
        Assert.Equal([new TransferProgress(2, 5), new TransferProgress(5, 5)], progress.Reports);
    }

    [Fact]
    public async Task An_upload_that_the_hub_refuses_makes_room_for_the_next()
    {
        await ConnectAsync(limits: NativeLimits.Default with { StreamsMax = 1, WindowChunks = 1 });
        Task<PublishReceipt> first = Client.PublishAsync("news", new byte[600_000]);
        _ = Client.PublishAsync("news", new byte[600_000]);
        Assert.Equal(NativeKind.Stream, HubSide.KindOf(await Side.ReceiveAsync()));
        Assert.Equal(NativeKind.Chunk, HubSide.KindOf(await Side.ReceiveAsync()));
        _ = Client.PingAsync();
        Assert.Equal(NativeKind.Ping, HubSide.KindOf(await Side.ReceiveAsync()));

        await Side.SendAsync(
            NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Id = 0, Code = (ushort)ChunkError.ProcessFull }));

        await Assert.ThrowsAsync<RequestRejectedException>(() => first.WaitAsync(ScriptedHub.Patience));
        Assert.Equal(NativeKind.Stream, HubSide.KindOf(await Side.ReceiveAsync()));
    }

    [Fact]
    public async Task A_bad_chunk_is_answered_and_the_connection_lives()
    {
        await ConnectAsync();
        await Side.SendAsync(NativeWriter.Message(new Chunk { Stream = 3, Index = 9, Total = 2, Data = "x"u8 }));

        byte[] answer = await Side.ReceiveAsync();

        Assert.Equal(((ushort)ChunkError.IndexOutOfRange, 3u, 9u), Read(answer, message =>
        {
            NativeError error = message.As<NativeError>();
            return (error.Code, error.Id, error.ChunkIndex);
        }));
        Assert.Equal(ClientState.Connected, Client.State);
    }

    [Theory, InlineData(60_000, true), InlineData(70_000, false)]
    public async Task A_small_frame_that_expands_past_the_longest_ends_the_connection(int bytes, bool isTaken)
    {
        Task<BrokerClient> connecting =
            BrokerClient.ConnectAsync(Options with { FrameBytesMax = 65_536, Compressions = Compressions.Brotli });
        HubSide side = await Hub.AcceptAsync();
        await side.ReceiveAsync();
        await side.SendAsync(
            NativeWriter.Message(
                new Welcome { Version = 1, Limits = NativeLimits.Default, Compressions = Compressions.Brotli, Client = "c7"u8 }));
        await using BrokerClient client = await connecting.WaitAsync(ScriptedHub.Patience);

        byte[] delivery = NativeWriter.Message(new Core.Protocol.Messages.Delivery { Channel = 7, Data = new byte[bytes] });
        await side.SendRawAsync([(byte)PayloadTag.Brotli, .. Brotli([.. delivery, .. NativeWriter.Message(new Ping { Mark = 5 })])]);

        if (isTaken) Assert.Equal(NativeWriter.Message(new Pong { Mark = 5 }), await side.ReceiveAsync());
        else Assert.Equal(1009, await side.ReceiveCloseAsync());
        side.Over.SetResult();

        static byte[] Brotli(byte[] messages)
        {
            byte[] compressed = new byte[1000];
            Assert.True(System.IO.Compression.BrotliEncoder.TryCompress(messages, compressed, out int length));
            return compressed[..length];
        }
    }

    [Fact]
    public async Task A_frame_that_breaks_the_protocol_ends_the_connection_with_its_code()
    {
        await ConnectAsync();
        await Side.SendRawAsync([0, 0xff]);

        Assert.Equal(1007, await Side.ReceiveCloseAsync());
        Side.Over.SetResult();
        await AwaitStateAsync(ClientState.Waiting);
        Assert.True(Client.LastClose.MayReconnect);
    }

    private sealed record Sum(int Total);

    private sealed class Received : IProgress<TransferProgress>
    {
        public List<TransferProgress> Reports { get; } = [];

        public void Report(TransferProgress value) => Reports.Add(value);
    }
}
