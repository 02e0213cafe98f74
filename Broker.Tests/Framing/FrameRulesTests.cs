using Broker.Core.Framing;
using Xunit;

namespace Broker.Tests.Framing;

public sealed class FrameRulesTests
{
    private static readonly FrameRules s_server = new(Side.Server);
    private static readonly FrameHeader s_text = new(Final: true, Reserved: 0, Opcode.Text, PayloadLength: 5, MaskingKey: 1);

    public static TheoryData<FrameHeader, bool, string> Broken => new()
    {
        { s_text with { Reserved = 1 }, false, nameof(FrameViolation.ReservedBits) },
        { s_text with { Reserved = 4 }, false, nameof(FrameViolation.ReservedBits) },
        { s_text with { Opcode = Opcode.Close, Reserved = 2 }, false, nameof(FrameViolation.ReservedBits) },
        { s_text with { Opcode = (Opcode)3 }, false, nameof(FrameViolation.ReservedOpcode) },
        { s_text with { Opcode = (Opcode)7 }, true, nameof(FrameViolation.ReservedOpcode) },
        { s_text with { Opcode = (Opcode)11 }, false, nameof(FrameViolation.ReservedOpcode) },
        { s_text with { Opcode = (Opcode)15 }, true, nameof(FrameViolation.ReservedOpcode) },
        { s_text with { Opcode = Opcode.Ping, Final = false }, false, nameof(FrameViolation.ControlFragmented) },
        { s_text with { Opcode = Opcode.Close, Final = false }, true, nameof(FrameViolation.ControlFragmented) },
        { s_text with { Opcode = Opcode.Pong, PayloadLength = 126 }, false, nameof(FrameViolation.ControlTooLong) },
        { s_text with { Opcode = Opcode.Continuation }, false, nameof(FrameViolation.NothingToContinue) },
        { s_text with { Opcode = Opcode.Continuation, Final = false }, false, nameof(FrameViolation.NothingToContinue) },
        { s_text, true, nameof(FrameViolation.MessageNotEnded) },
        { s_text with { Opcode = Opcode.Binary, Final = false }, true, nameof(FrameViolation.MessageNotEnded) },
        { s_text with { MaskingKey = null }, false, nameof(FrameViolation.MaskMissing) },
    };

    public static TheoryData<FrameHeader, bool> Kept => new()
    {
        { s_text, false },
        { s_text with { Final = false, PayloadLength = long.MaxValue }, false },
        { s_text with { Opcode = Opcode.Binary, MaskingKey = 0 }, false },
        { s_text with { Opcode = Opcode.Continuation }, true },
        { s_text with { Opcode = Opcode.Continuation, Final = false }, true },
        { s_text with { Opcode = Opcode.Ping, PayloadLength = 125 }, true },
        { s_text with { Opcode = Opcode.Pong }, false },
        { s_text with { Opcode = Opcode.Close, PayloadLength = 0 }, true },
    };

    [Theory, MemberData(nameof(Broken))]
    public void A_broken_rule_is_named_and_closes_with_1002(FrameHeader header, bool messageOpen, string rule)
    {
        FrameViolation? violation = s_server.Check(header, messageOpen, s_server.MaskWanted);

        Assert.Same(typeof(FrameViolation).GetField(rule)!.GetValue(null), violation);
        Assert.Equal(CloseCode.ProtocolError, violation!.Code);
    }

    [Theory, MemberData(nameof(Kept))]
    public void A_header_that_keeps_the_rules_passes(FrameHeader header, bool messageOpen) =>
        Assert.Null(s_server.Check(header, messageOpen, s_server.MaskWanted));

    [Fact]
    public void A_client_wants_no_mask()
    {
        var client = new FrameRules(Side.Client);

        Assert.Same(FrameViolation.MaskUnwanted, client.Check(s_text, messageOpen: false, client.MaskWanted));
        Assert.Null(client.Check(s_text with { MaskingKey = null }, messageOpen: false, client.MaskWanted));
    }

    [Theory, InlineData(Side.Server), InlineData(Side.Client)]
    public void A_lenient_receiver_lets_the_first_frame_choose(Side side)
    {
        var lenient = new FrameRules(side, MaskMode.Lenient);
        FrameHeader bare = s_text with { MaskingKey = null };

        Assert.Null(lenient.MaskWanted);
        Assert.Null(lenient.Check(s_text, messageOpen: false, lenient.MaskWanted));
        Assert.Null(lenient.Check(bare, messageOpen: false, lenient.MaskWanted));
        Assert.Same(FrameViolation.MaskMissing, lenient.Check(bare, messageOpen: false, maskWanted: true));
        Assert.Same(FrameViolation.MaskUnwanted, lenient.Check(s_text, messageOpen: false, maskWanted: false));
    }

    [Fact]
    public void A_negotiated_bit_may_stand_on_the_first_frame_of_a_message_only()
    {
        var deflate = new FrameRules(Side.Server, ReservedAllowed: 4);

        Assert.Null(deflate.Check(s_text with { Reserved = 4 }, messageOpen: false, maskWanted: true));
        Assert.NotNull(deflate.Check(s_text with { Reserved = 2 }, messageOpen: false, maskWanted: true));
        Assert.NotNull(deflate.Check(s_text with { Reserved = 4, Opcode = Opcode.Continuation }, messageOpen: true, maskWanted: true));
        Assert.NotNull(deflate.Check(s_text with { Reserved = 4, Opcode = Opcode.Ping }, messageOpen: false, maskWanted: true));
    }

    [Fact]
    public void Every_reason_fits_a_close_frame()
    {
        IEnumerable<FrameViolation> all = typeof(FrameViolation).GetFields().Select(field => field.GetValue(null)).OfType<FrameViolation>()
            .Append(FrameViolation.MessageTooBig(int.MaxValue)).Append(FrameViolation.TooManyFragments(int.MaxValue));

        Assert.All(all, violation => Assert.InRange(violation.Reason.Length, 1, 123));
    }
}
