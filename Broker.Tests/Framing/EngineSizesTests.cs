using Broker.Core.Framing;
using Broker.Tests.Support;

namespace Broker.Tests.Framing;

/// <summary>An unknown client's sizes, and those of a client that has been admitted.</summary>
public sealed class EngineSizesTests
{
    private static readonly FrameEngineSettings s_stranger = new(MessageBytesMax: 100, FragmentsMax: 10);
    private static readonly FrameEngineSettings s_client = s_stranger with { MessageBytesMax = 1000 };

    [Fact]
    public void An_unfinished_message_is_held_to_the_first_size()
    {
        byte[] start = FrameWriter.Frame(Opcode.Binary, new byte[101], maskingKey: 7);
        EngineExchange exchange = EngineExchange.Of(s_stranger, start[..20]);

        Assert.Equal(CloseCode.MessageTooBig, exchange.Violation?.Code);
        exchange.Drop();
    }

    [Fact]
    public void From_the_next_turn_on_the_other_size_holds()
    {
        var exchange = new EngineExchange(s_stranger);
        exchange.Feed(FrameWriter.Frame(Opcode.Binary, new byte[100], maskingKey: 7));
        exchange.Engine.Resize(s_client);
        exchange.Feed(FrameWriter.Frame(Opcode.Binary, new byte[1000], maskingKey: 7));
        exchange.Feed(FrameWriter.Frame(Opcode.Binary, new byte[1001], maskingKey: 7));

        Assert.Equal(2, exchange.Messages.Count);
        Assert.Equal(CloseCode.MessageTooBig, exchange.Violation?.Code);
        exchange.Drop();
    }

    [Fact]
    public void Only_sizes_change() =>
        Assert.Throws<ArgumentException>(() => new EngineExchange(s_stranger).Engine.Resize(s_client with { Side = Side.Client }));
}
