using Broker.Client;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Tests.Client;

/// <summary>Streams of the hub that the client does not take, or not to their end.</summary>
public sealed class RefusedDownloadTests : ClientTest
{
    private Task<ReadOnlyMemory<byte>> _calling = null!;

    private async Task CallAsync(BrokerClientOptions? options = null)
    {
        await ConnectAsync(options);
        _calling = Client.CallAsync("long", default, new CallSettings { Download = new Breaking() });
        Assert.Equal(NativeKind.Call, HubSide.KindOf(await Side.ReceiveAsync()));
    }

    private static byte[] HeaderOf(uint stream, ulong bytes, uint call = 1) =>
        NativeWriter.Message(new StreamHeader { Stream = stream, Purpose = StreamPurpose.Result, Reference = call, Bytes = bytes });

    private static byte[] ChunkOf(uint stream, uint index, uint total, int bytes) =>
        NativeWriter.Message(new Chunk { Stream = stream, Index = index, Total = total, Data = new byte[bytes] });

    private async Task<ChunkError> ReceiveErrorAsync() =>
        Read(await Side.ReceiveAsync(), message => (ChunkError)message.As<NativeError>().Code);

    [Fact]
    public async Task A_result_that_is_refused_with_its_header_fails_its_call()
    {
        await CallAsync();

        await Side.SendAsync(HeaderOf(0, bytes: ulong.MaxValue / 2));

        Assert.Equal(ChunkError.StreamTooBig, await ReceiveErrorAsync());
        CallFailedException failed = await Assert.ThrowsAsync<CallFailedException>(() => _calling.WaitAsync(ScriptedHub.Patience));
        Assert.Equal(FaultCode.ResultTooBig, failed.Code);
        Assert.Contains("StreamTooBig", failed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_result_that_passes_the_bound_of_what_is_held_fails_its_call_and_no_other()
    {
        await CallAsync(Options with { DownloadBytesMax = 300_000 });
        Task<ReadOnlyMemory<byte>> other = Client.CallAsync("short", default);
        await Side.ReceiveAsync();

        await Side.SendAsync(
            HeaderOf(0, 500_000), ChunkOf(0, 0, 2, 250_000), ChunkOf(0, 1, 2, 250_000), NativeWriter.Message(new CallResult { Id = 2 }));

        Assert.Equal(ChunkError.ConnectionFull, await ReceiveErrorAsync());
        Assert.Equal(
            FaultCode.ResultTooBig, (await Assert.ThrowsAsync<CallFailedException>(() => _calling.WaitAsync(ScriptedHub.Patience))).Code);
        Assert.Equal(0, (await other.WaitAsync(ScriptedHub.Patience)).Length);
    }

    [Fact]
    public async Task A_result_that_stops_coming_fails_its_call()
    {
        await CallAsync();
        await Side.SendAsync(HeaderOf(0, 500_000), ChunkOf(0, 0, 2, 250_000), NativeWriter.Message(new Ping { Mark = 1 }));
        Assert.Equal(NativeKind.Pong, HubSide.KindOf(await Side.ReceiveAsync()));

        Time.Advance(new ChunkLimits().IdleLimit);

        Assert.Equal(
            FaultCode.Overloaded, (await Assert.ThrowsAsync<CallFailedException>(() => _calling.WaitAsync(ScriptedHub.Patience))).Code);
        byte[] message;
        do message = await Side.ReceiveAsync();
        while (HubSide.KindOf(message) == NativeKind.Ping);
        Assert.Equal(NativeWriter.Message(new StreamCancel { Owner = StreamOwner.Yours, Stream = 0, Code = ChunkError.Expired }), message);
    }

    [Fact]
    public async Task The_result_of_a_call_that_is_given_up_is_wanted_no_longer()
    {
        await ConnectAsync();
        using var stop = new CancellationTokenSource();
        Task<ReadOnlyMemory<byte>> calling = Client.CallAsync("long", default, cancellationToken: stop.Token);
        await Side.ReceiveAsync();
        await Side.SendAsync(HeaderOf(0, 500_000), ChunkOf(0, 0, 2, 250_000), NativeWriter.Message(new Ping { Mark = 1 }));
        Assert.Equal(NativeKind.Pong, HubSide.KindOf(await Side.ReceiveAsync()));

        await stop.CancelAsync();

        Assert.Equal(NativeWriter.Message(new CallCancel { Id = 1 }), await Side.ReceiveAsync());
        Assert.Equal(
            NativeWriter.Message(new StreamCancel { Owner = StreamOwner.Yours, Stream = 0, Code = ChunkError.Cancelled }),
                await Side.ReceiveAsync());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calling.WaitAsync(ScriptedHub.Patience));
    }

    // The hub sends further arguments as items only, and call 9 was never made.
    [Theory]
    [InlineData(StreamPurpose.Result, 9)]
    [InlineData(StreamPurpose.Arguments, 1)]
    public async Task A_header_that_no_call_waits_for_is_rejected_with_220(StreamPurpose purpose, uint call)
    {
        await CallAsync();
        byte[] header = NativeWriter.Message(new StreamHeader { Stream = 4, Purpose = purpose, Reference = call, Bytes = 3 });

        await Side.SendAsync(header, ChunkOf(4, 0, 1, 3));

        Assert.Equal(ChunkError.UnknownReference, await ReceiveErrorAsync());
        Assert.Equal(ChunkError.Cancelled, await ReceiveErrorAsync());
        await Side.SendAsync(HeaderOf(5, 3), HeaderOf(5, 3, call: 9), ChunkOf(5, 0, 1, 3));
        Assert.Equal(ChunkError.HeaderTwice, await ReceiveErrorAsync());
        Assert.Equal(3, (await _calling.WaitAsync(ScriptedHub.Patience)).Length);
    }

    [Fact]
    public async Task The_result_of_a_call_that_was_given_up_before_is_rejected_with_its_header()
    {
        await ConnectAsync();
        using var stop = new CancellationTokenSource();
        Task<ReadOnlyMemory<byte>> calling = Client.CallAsync("long", default, cancellationToken: stop.Token);
        await Side.ReceiveAsync();
        await stop.CancelAsync();
        Assert.Equal(NativeWriter.Message(new CallCancel { Id = 1 }), await Side.ReceiveAsync());

        await Side.SendAsync(HeaderOf(0, 500_000));

        Assert.Equal(ChunkError.UnknownReference, await ReceiveErrorAsync());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calling.WaitAsync(ScriptedHub.Patience));
    }

    [Fact]
    public async Task Progress_that_throws_changes_nothing()
    {
        await CallAsync();

        await Side.SendAsync(HeaderOf(0, 3), ChunkOf(0, 0, 1, 3));

        Assert.Equal(3, (await _calling.WaitAsync(ScriptedHub.Patience)).Length);
        Task<ReadOnlyMemory<byte>> next = Client.CallAsync("long", new byte[1], new CallSettings { Upload = new Breaking() });
        await Side.ReceiveAsync();
        await Side.SendAsync(NativeWriter.Message(new CallResult { Id = 2 }));
        Assert.Equal(0, (await next.WaitAsync(ScriptedHub.Patience)).Length);
    }

    private sealed class Breaking : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) => throw new InvalidOperationException("the bar is broken");
    }
}
