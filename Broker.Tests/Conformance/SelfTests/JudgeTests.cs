using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Running;
using Broker.Tests.Conformance.Wire;
using Xunit;

namespace Broker.Tests.Conformance.SelfTests;

/// <summary>Each rule of the two verdicts, over a transcript that is written by hand.</summary>
public sealed class JudgeTests
{
    private static readonly Received Hello = new(ReceivedKind.Text, "Hello, world!"u8.ToArray());

    [Fact]
    public void An_echo_and_a_clean_end_are_ok() =>
        AssertVerdict("7.1.1", Behaviour.Ok, Closing.Ok, t => Close(t, 1000), new Received(ReceivedKind.Text, "Hello World!"u8.ToArray()));

    [Fact]
    public void A_ping_answered_twice_is_failed() =>
        AssertVerdict(
            "2.1", Behaviour.Failed, Closing.Ok, t => Close(t, 1000), new(ReceivedKind.Pong, default), new(ReceivedKind.Pong, default));

    [Fact]
    public void A_server_that_ends_first_where_the_client_should_is_failed() =>
        AssertVerdict("2.1", Behaviour.Ok, Closing.Failed, t => t.RecordDrop(Side.Server), new Received(ReceivedKind.Pong, default));

    [Fact]
    public void A_protocol_error_that_is_ignored_fails_the_closing_only() =>
        AssertVerdict("3.1", Behaviour.Ok, Closing.Failed, t => Close(t, 1001));

    [Fact]
    public void Broken_text_that_is_ignored_fails_both() =>
        AssertVerdict("6.3.1", Behaviour.Failed, Closing.Failed, t => Close(t, 1001));

    [Fact]
    public void A_stream_that_stays_open_is_unclean_where_clean_is_due() =>
        AssertVerdict("7.3.1", Behaviour.Ok, Closing.Unclean, t => Close(t, 1000, by: Side.Client));

    [Fact]
    public void A_stream_that_stays_open_is_failed_by_client_where_clean_is_not_due() =>
        AssertVerdict("7.9.1", Behaviour.Ok, Closing.FailedByClient, t => Close(t, 1002, by: Side.Client));

    [Fact]
    public void A_wrong_code_fails_the_behaviour_in_group_7() =>
        AssertVerdict("7.7.2", Behaviour.Failed, Closing.WrongCode, t => Close(t, 1011));

    [Fact]
    public void A_wrong_code_leaves_the_behaviour_elsewhere() =>
        AssertVerdict("2.1", Behaviour.Ok, Closing.WrongCode, t => Close(t, 1001), new Received(ReceivedKind.Pong, default));

    [Fact]
    public void A_close_without_code_is_always_allowed() =>
        AssertVerdict("7.7.2", Behaviour.Ok, Closing.Ok, t => Close(t, null));

    [Fact]
    public void A_drop_without_a_Close_frame_fails_a_connection_as_well() =>
        AssertVerdict("3.1", Behaviour.Ok, Closing.Ok, t => t.RecordDrop(Side.Server));

    [Fact]
    public void An_echo_lost_before_the_error_is_non_strict() =>
        AssertVerdict("3.2", Behaviour.NonStrict, Closing.Ok, t => t.RecordDrop(Side.Server));

    [Fact]
    public void An_echo_kept_before_the_error_is_ok() =>
        AssertVerdict("3.2", Behaviour.Ok, Closing.Ok, t => t.RecordDrop(Side.Server), Hello);

    [Fact]
    public void A_broken_rule_of_the_server_is_failed() =>
        AssertVerdict("7.13.1", Behaviour.Failed, Closing.FailedByClient, t => { t.RecordViolation("masked"); t.RecordDrop(Side.Client); });

    [Theory]
    [InlineData(Behaviour.Failed)]
    [InlineData(Behaviour.Ok)]
    [InlineData(null)]
    public void Invalid_text_is_judged_by_the_pause_of_the_close(Behaviour? pause)
    {
        ConformanceCase played = CaseCatalog.All.Single(c => c.Id == "6.4.1");
        var seen = new Transcript();
        seen.RecordDrop(Side.Server);

        Behaviour verdict = Judge.JudgeBehaviour(played, seen, new PlayNotes(EndedInPause: pause), Closing.Ok);

        Assert.Equal(pause ?? Behaviour.NonStrict, verdict);
    }

    [Fact]
    public void A_server_without_the_extension_is_unimplemented()
    {
        ConformanceCase played = CaseCatalog.All.Single(c => c.Id == "12.1.1");
        var seen = new Transcript();
        Close(seen, 1000);

        Assert.Equal(Behaviour.Unimplemented, Judge.JudgeBehaviour(played, seen, new PlayNotes(Unimplemented: true), Closing.Ok));
    }

    private static void AssertVerdict(
        string id, Behaviour behaviour, Closing closing, Action<Transcript> end, params Received[] events)
    {
        ConformanceCase played = CaseCatalog.All.Single(c => c.Id == id);
        var seen = new Transcript();
        foreach (Received one in events) seen.Record(one);
        end(seen);

        Assert.Equal(closing, Judge.JudgeClosing(played, seen));
        Assert.Equal(behaviour, Judge.JudgeBehaviour(played, seen, new PlayNotes(), closing));
    }

    // The client starts the closing handshake, the server answers, and one of them ends the stream.
    private static void Close(Transcript seen, int? code, Side by = Side.Server)
    {
        seen.RecordClientClose();
        seen.RecordServerClose(new ServerClose(code, ""));
        seen.RecordDrop(by);
    }
}
