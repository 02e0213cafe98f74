using Broker.Core.Deflate;
using Broker.Core.Framing;
using Xunit;

namespace Broker.Tests.Support;

/// <summary>One message as a handler saw it.</summary>
internal sealed record Seen(Opcode Opcode, string PayloadHex);

/// <summary>What a handler does with each message.</summary>
internal delegate void Handler(Turn turn, Message message);

/// <summary>One engine, fed read by read, with all that can be observed of it.</summary>
internal sealed class EngineExchange(FrameEngineSettings settings, Handler? handler = null)
{
    private const int Margin = 5;

    private readonly List<byte> _output = [];
    private readonly Handler _handler = handler ?? ((turn, message) => turn.Echo(message));
    private Turn? _turn;

    public static FrameEngineSettings Server { get; } = new(MessageBytesMax: 1 << 20, FragmentsMax: 1000);

    public CountingPool Pool { get; } = new();

    public List<Seen> Messages { get; } = [];

    public byte[] Output => [.. _output];

    /// <summary>Agreed on with the peer, if anything.</summary>
    public DeflateTerms? Terms { get; init; }

    public DeflateBudget Budget { get; } = new(long.MaxValue);

    public FrameEngine Engine => field ??= new(settings, Pool, MakeDeflate());

    private LoopDeflate Shared => field ??= new(Pool);

    public TurnOutcome Outcome { get; private set; }

    public FrameViolation? Violation { get; private set; }

    public ClosePayload? PeerClose { get; private set; }

    public int Pongs { get; private set; }

    /// <summary>All that has to be the same however the wire is cut.</summary>
    public string Story => string.Join('\n', Messages.Select(seen => $"{seen.Opcode} {seen.PayloadHex}"))
        + $"\n{Convert.ToHexString(Output)}\n{Outcome} {Violation} {PeerClose} {Pongs}";

    public static EngineExchange Of(FrameEngineSettings settings, params IEnumerable<byte[]> reads) =>
        Of(settings, handler: null, reads);

    public static EngineExchange Of(FrameEngineSettings settings, Handler? handler, params IEnumerable<byte[]> reads)
    {
        var exchange = new EngineExchange(settings, handler);
        foreach (byte[] read in reads) exchange.Feed(read);
        return exchange;
    }

    /// <summary>One read, in a buffer whose other bytes must stay as they are.</summary>
    public EngineExchange Feed(byte[] read)
    {
        byte[] buffer = new byte[read.Length + 2 * Margin];
        Array.Fill(buffer, (byte)0xEE);
        read.CopyTo(buffer, Margin);
        _turn ??= new(Pool);
        _turn.Begin(Engine, buffer, Margin, read.Length);
        bool wasOpen = _turn.Outcome == TurnOutcome.Open;
        while (_turn.TryRead(out Message message))
        {
            Messages.Add(new(message.Opcode, Convert.ToHexString(message.Payload)));
            _handler(_turn, message);
        }

        _output.AddRange(_turn.Output.Span);
        Outcome = _turn.Outcome;
        Pongs += _turn.PongsIn;
        Violation ??= _turn.Violation;
        if (wasOpen && Outcome == TurnOutcome.PeerClosed) PeerClose = _turn.PeerClose;
        _turn.End();
        Assert.DoesNotContain(buffer[..Margin], value => value != 0xEE);
        Assert.DoesNotContain(buffer[^Margin..], value => value != 0xEE);
        return this;
    }

    /// <summary>The connection is gone: nothing may be left of it.</summary>
    public EngineExchange Drop()
    {
        Engine.Drop();
        Shared.Dispose();
        Assert.Equal(0, Budget.BytesReserved);
        Assert.Equal(0, Pool.Outstanding);
        return this;
    }

    private MessageDeflate? MakeDeflate()
    {
        if (Terms is null) return null;
        Assert.True(Budget.TryTake(Terms.ContextBytes));
        return new MessageDeflate(Terms, new DeflatePolicy(Budget), Shared);
    }
}
