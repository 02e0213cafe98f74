using Broker.Core.Buffers;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Xunit;

namespace Broker.Tests.Deflate;

public sealed class DeflatePolicyTests
{
    private static readonly DeflatePolicy s_lean = new(new DeflateBudget(0));
    private static readonly DeflatePolicy s_keeping = s_lean with { ServerContext = true, ClientContext = true };

    [Theory]
    [InlineData("permessage-deflate", "permessage-deflate")]
    [InlineData("permessage-deflate; client_max_window_bits", "permessage-deflate")]
    [InlineData("permessage-deflate; client_max_window_bits=12", "permessage-deflate; client_max_window_bits=12")]
    [InlineData("permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8")]
    [InlineData("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover")]
    [InlineData("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover")]
    [InlineData("permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9")]
    [InlineData("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15")]
    public void An_endpoint_that_keeps_contexts_answers_what_was_asked_for(string offered, string answer) =>
        Assert.Equal(answer, Answer(s_keeping, offered));

    [Theory]
    [InlineData("permessage-deflate")]
    [InlineData("permessage-deflate; client_no_context_takeover; client_max_window_bits; server_no_context_takeover")]
    public void An_endpoint_without_contexts_always_announces_that(string offered) =>
        Assert.Equal("permessage-deflate; server_no_context_takeover; client_no_context_takeover", Answer(s_lean, offered));

    [Fact]
    public void The_smaller_window_counts()
    {
        DeflatePolicy narrow = s_keeping with { ServerWindowBitsMax = 10, ClientWindowBitsMax = 11 };

        Assert.Equal("permessage-deflate; server_max_window_bits=10", Answer(narrow, "permessage-deflate"));
        Assert.Equal(
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=11",
                Answer(narrow, "permessage-deflate; server_max_window_bits=9; client_max_window_bits"));
        Assert.Equal(
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
                Answer(narrow, "permessage-deflate; server_max_window_bits=14; client_max_window_bits=9"));
    }

    [Fact]
    public void Where_the_budget_is_used_up_a_new_connection_keeps_no_context()
    {
        DeflateOffer.Check("permessage-deflate", out DeflateOffer? offer);
        int each = s_keeping.Agree(offer!).ContextBytes;
        var budget = new DeflateBudget((2 * each) + 1);
        DeflatePolicy policy = s_keeping with { Budget = budget };
        using var loop = new LoopDeflate(new BufferPool());

        MessageDeflate first = MessageDeflate.Open(policy, offer!, loop);
        MessageDeflate second = MessageDeflate.Open(policy, offer!, loop);
        MessageDeflate third = MessageDeflate.Open(policy, offer!, loop);

        Assert.True(second.Terms is { ServerContext: true, ClientContext: true });
        Assert.True(third.Terms is { ServerContext: false, ClientContext: false });
        Assert.Equal(2 * each, budget.BytesReserved);

        first.Drop();
        first.Drop();
        third.Drop();
        Assert.Equal(each, budget.BytesReserved);
        Assert.True(MessageDeflate.Open(policy, offer!, loop).Terms.ServerContext);
    }

    private static string Answer(DeflatePolicy policy, string offered)
    {
        Assert.Null(DeflateOffer.Check(offered, out DeflateOffer? offer));
        return policy.Agree(offer!).AnswerTo(offer!);
    }
}
