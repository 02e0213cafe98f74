using System.Buffers;
using System.Text;
using Broker.Dialects.Centrifuge.Wire;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>Several commands in one frame.</summary>
public class CommandFrameTest
{
    private const string Three =
        """
        {"id":1,"connect":{}}
        {"id":2,"subscribe":{"channel":"c"}}
        {}
        """;

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    public void Commands_are_read_in_order_and_one_line_feed_may_end_the_frame(string end)
    {
        var reader = new CommandReader(Encoding.UTF8.GetBytes(Three + end));

        Assert.Equal(-1, reader.Index);
        foreach (CommandKind kind in new[] { CommandKind.Connect, CommandKind.Subscribe, CommandKind.Pong })
        {
            Assert.Equal(OperationStatus.Done, reader.Read(out Command command));
            Assert.Equal(kind, command.Kind);
        }
        Assert.Equal(2, reader.Index);
        Assert.Equal(OperationStatus.NeedMoreData, reader.Read(out _));
        Assert.Equal(OperationStatus.NeedMoreData, reader.Read(out _));
        Assert.Equal(2, reader.Index);
    }

    [Fact]
    public void Commands_before_a_bad_one_are_read()
    {
        var reader = new CommandReader("{}\n{}\nnonsense\n{}"u8);

        Assert.Equal(OperationStatus.Done, reader.Read(out _));
        Assert.Equal(OperationStatus.Done, reader.Read(out _));
        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
        Assert.Equal(2, reader.Index);
    }

    [Fact]
    public void An_empty_frame_is_refused()
    {
        var reader = new CommandReader([]);

        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
        Assert.Equal("The frame is empty.", reader.Reason);
    }

    [Theory]
    [InlineData("\n", 0)]
    [InlineData("\n{}", 0)]
    [InlineData("{}\n\n", 1)]
    [InlineData("{}\n\n{}", 1)]
    public void A_blank_line_is_refused(string frame, int index)
    {
        var reader = new CommandReader(Encoding.UTF8.GetBytes(frame));

        while (reader.Read(out _) == OperationStatus.Done) { }

        Assert.Equal("A line is blank.", reader.Reason);
        Assert.Equal(index, reader.Index);
    }

    [Fact]
    public void A_frame_of_line_feeds_costs_one_line()
    {
        var reader = new CommandReader(Encoding.UTF8.GetBytes(new string('\n', 1 << 20)));

        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
        Assert.Equal(0, reader.Index);
    }

    [Fact]
    public void A_line_feed_inside_a_command_splits_it_and_both_halves_are_bad()
    {
        var reader = new CommandReader("{\"id\":1,\n\"connect\":{}}"u8);

        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
    }
}
