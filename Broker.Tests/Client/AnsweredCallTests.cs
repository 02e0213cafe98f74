using Broker.Client;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;

namespace Broker.Tests.Client;

/// <summary>Calls of the hub whose result it does not take: they end with a fault, and not by the hub's deadline.</summary>
public sealed class AnsweredCallTests : ClientTest
{
    private const uint Id = 0x8000_0000;
    private const int Long = 600_000;

    private async Task CallLongAsync(NativeLimits? limits = null)
    {
        var methods = new ClientMethods();
        methods.Add("long", static (_, _) => new(new byte[Long]));
        await ConnectAsync(Options with { Methods = methods }, limits);
        await Side.SendAsync(NativeWriter.Message(new Call { Id = Id, Method = MethodId.Of("long") }));
    }

    private async Task<(uint Id, FaultCode Code, string Text)> ReceiveFaultAsync()
    {
        byte[] message;
        do message = await Side.ReceiveAsync();
        while (HubSide.KindOf(message) == NativeKind.Chunk);
        return Read(message,
            fault => (fault.As<CallFault>().Id, fault.As<CallFault>().Code,
                System.Text.Encoding.UTF8.GetString(fault.As<CallFault>().Text)));
    }

    [Fact]
    public async Task A_result_over_the_limit_of_the_hub_is_a_fault_that_names_the_limit()
    {
        await CallLongAsync(NativeLimits.Default with { StreamBytesMax = 550_000 });

        Assert.Equal((Id, FaultCode.ResultTooBig, "600009 bytes are more than the hub takes: 550000."), await ReceiveFaultAsync());
    }

    [Theory]
    [InlineData(ChunkError.ConnectionFull, FaultCode.ResultTooBig)]
    [InlineData(ChunkError.ProcessFull, FaultCode.Overloaded)]
    public async Task A_result_rejected_midway_is_a_fault_with_the_reason(ChunkError why, FaultCode code)
    {
        await CallLongAsync();
        uint stream = Read(await Side.ReceiveAsync(), message => message.As<StreamHeader>().Stream);

        await Side.SendAsync(NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Code = (ushort)why, Id = stream }));

        Assert.Equal((Id, code, $"The hub stopped the upload: {why}."), await ReceiveFaultAsync());
    }

    [Fact]
    public async Task A_result_that_is_refused_when_all_of_it_has_been_sent_is_a_fault_too()
    {
        await CallLongAsync();
        uint stream = Read(await Side.ReceiveAsync(), message => message.As<StreamHeader>().Stream);
        uint left;
        do left = Read(await Side.ReceiveAsync(), message => message.As<Chunk>().Total - 1 - message.As<Chunk>().Index);
        while (left > 0);

        await Side.SendAsync(
            NativeWriter.Message(new StreamCancel { Owner = StreamOwner.Yours, Stream = stream, Code = ChunkError.Expired }));

        Assert.Equal((Id, FaultCode.Overloaded, "The hub stopped the upload: Expired."), await ReceiveFaultAsync());
    }
}
