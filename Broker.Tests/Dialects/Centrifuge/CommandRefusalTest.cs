using System.Buffers;
using System.Text;
using Broker.Dialects.Centrifuge.Wire;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>What ends a connection with 3501.</summary>
public class CommandRefusalTest
{
    [Theory]
    [InlineData("""{"publish":{"channel":"c","data":1}}""")]
    [InlineData("""{"id":0,"connect":{}}""")]
    [InlineData("""{"id":null,"rpc":{}}""")]
    public void A_method_without_an_id_is_refused(string line) => Assert.Equal("A command has no id.", Refusal(line));

    [Theory]
    [InlineData("-1")]
    [InlineData("4294967296")]
    [InlineData("18446744073709551616")]
    [InlineData("99999999999999999999999999999999999999999999")]
    [InlineData("1e400")]
    [InlineData("1.0")]
    [InlineData("1e0")]
    [InlineData("\"1\"")]
    [InlineData("true")]
    [InlineData("[1]")]
    [InlineData("{}")]
    public void An_id_out_of_its_range_or_type_is_refused(string id) =>
        Assert.Equal("id is not a whole number from 0 to 2^32 - 1.", Refusal($$$"""{"id":{{{id}}},"connect":{}}"""));

    [Theory]
    [InlineData("""{"id":1,"publish":{"channel":"a"},"subscribe":{"channel":"b"}}""")]
    [InlineData("""{"id":1,"publish":{"channel":"a"},"publish":{"channel":"b"}}""")]
    [InlineData("""{"send":{},"connect":{}}""")]
    public void Two_methods_in_one_command_are_refused(string line) => Assert.Equal("A command has two methods.", Refusal(line));

    [Theory]
    [InlineData("""{"id":1,"connect":[]}""", "a method is not an object.")]
    [InlineData("""{"id":1,"publish":"c"}""", "a method is not an object.")]
    [InlineData("""{"id":1,"publish":{"channel":5}}""", "channel is not a text.")]
    [InlineData("""{"id":1,"connect":{"token":{}}}""", "token is not a text.")]
    [InlineData("""{"id":1,"connect":{"name":[]}}""", "name is not a text.")]
    [InlineData("""{"id":1,"connect":{"version":5}}""", "version is not a text.")]
    [InlineData("""{"id":1,"connect":{"subs":[]}}""", "subs is not an object.")]
    [InlineData("""{"id":1,"connect":{"subs":{"a":1}}}""", "a channel of subs is not an object.")]
    [InlineData("""{"id":1,"connect":{"subs":{"a":{"recover":1}}}}""", "recover is not true or false.")]
    [InlineData("""{"id":1,"connect":{"subs":{"a":{"offset":-1}}}}""", "offset is not a whole number from 0 to 2^64 - 1.")]
    [InlineData("""{"id":1,"rpc":{"method":false}}""", "method is not a text.")]
    [InlineData("""{"id":1,"subscribe":{"recover":"yes"}}""", "recover is not true or false.")]
    [InlineData("""{"id":1,"subscribe":{"positioned":0}}""", "positioned is not true or false.")]
    [InlineData("""{"id":1,"subscribe":{"recoverable":0}}""", "recoverable is not true or false.")]
    [InlineData("""{"id":1,"subscribe":{"join_leave":{}}}""", "join_leave is not true or false.")]
    [InlineData("""{"id":1,"subscribe":{"offset":18446744073709551616}}""", "offset is not a whole number from 0 to 2^64 - 1.")]
    [InlineData("""{"id":1,"subscribe":{"epoch":1}}""", "epoch is not a text.")]
    [InlineData("""{"id":1,"subscribe":{"delta":true}}""", "delta is not a text.")]
    [InlineData("""{"id":1,"subscribe":{"tf":"x"}}""", "tf is not an object.")]
    [InlineData("""{"id":1,"subscribe":{"flag":9223372036854775808}}""", "flag is not a whole number from -2^63 to 2^63 - 1.")]
    [InlineData("""{"id":1,"publish":{"type":2147483648}}""", "type is not a whole number from -2^31 to 2^31 - 1.")]
    [InlineData("""{"id":1,"history":{"limit":1.5}}""", "limit is not a whole number from -2^31 to 2^31 - 1.")]
    [InlineData("""{"id":1,"history":{"since":7}}""", "since is not an object.")]
    [InlineData("""{"id":1,"history":{"since":{"epoch":7}}}""", "epoch is not a text.")]
    [InlineData("""{"id":1,"history":{"reverse":"no"}}""", "reverse is not true or false.")]
    public void A_member_of_the_wrong_type_is_refused_by_its_name(string line, string reason) => Assert.Equal(reason, Refusal(line));

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("1")]
    [InlineData("\"connect\"")]
    [InlineData("[{\"id\":1,\"connect\":{}}]")]
    public void A_line_that_is_no_object_is_refused(string line) => Assert.Equal("The line is not a JSON object.", Refusal(line));

    [Theory]
    [InlineData("{")]
    [InlineData("{}}")]
    [InlineData("{}{}")]
    [InlineData("{} x")]
    [InlineData(" ")]
    [InlineData("\r")]
    [InlineData("\u0000")]
    [InlineData("\uFEFF{}")]
    [InlineData("hello")]
    [InlineData("{'id':1}")]
    [InlineData("""{id:1}""")]
    [InlineData("""{"id":01}""")]
    [InlineData("""{"id":1,}""")]
    [InlineData("""{"id":1}//""")]
    [InlineData("""{"id":1,"publish":{"channel":"c","data":}}""")]
    [InlineData("""{"id":1,"publish":{"channel":"c","data":undefined}}""")]
    [InlineData("""{"id":1,"publish":{"channel":"c","data":NaN}}""")]
    [InlineData("""{"id":1,"publish":{"channel":"c","data":[1,]}}""")]
    [InlineData("""{"id":1,"publish":{"channel":"c","data":"\x"}}""")]
    [InlineData("""{"id":1,"publish":{"channel":"c","data":"\u12g4"}}""")]
    [InlineData("{\"id\":1,\"publish\":{\"channel\":\"a\tb\"}}")]
    public void A_line_that_is_not_well_formed_is_refused(string line) =>
        Assert.Equal("The line is not one well-formed JSON object, or it is nested too deep.", Refusal(line));

    [Theory]
    [InlineData(@"\ud83d")]
    [InlineData(@"\ude00\ud83d")]
    [InlineData(@"a\ud83db")]
    public void Half_a_surrogate_pair_in_a_channel_is_refused(string channel) => Assert.Equal(
        "A text has half of a surrogate pair, or is not UTF-8.", Refusal($$$"""{"subscribe":{"channel":"{{{channel}}}"},"id":1}"""));

    [Fact]
    public void Sixty_four_levels_are_read_and_one_more_is_refused()
    {
        Assert.Null(Refusal(Nested(CentrifugeProtocol.DepthMax)));
        Assert.NotNull(Refusal(Nested(CentrifugeProtocol.DepthMax + 1)));
        Assert.NotNull(Refusal(Nested(100_000)));
    }

    [Fact]
    public void What_we_do_not_know_may_not_be_nested_deeper_either() =>
        Assert.NotNull(Refusal($$"""{"x":{{new string('[', 64)}}{{new string(']', 64)}}}"""));

    [Fact]
    public void A_refused_frame_stays_refused()
    {
        var reader = new CommandReader("[]\n{}"u8);

        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
        Assert.Equal(OperationStatus.InvalidData, reader.Read(out Command command));
        Assert.Equal(0, reader.Index);
        Assert.Equal(default, command.Kind);
    }

    private static string Nested(int levels) =>
        $$$"""{"id":1,"publish":{"channel":"c","data":{{{new string('[', levels - 2)}}}{{{new string(']', levels - 2)}}}}}""";

    private static string? Refusal(string line)
    {
        var reader = new CommandReader(Encoding.UTF8.GetBytes(line));
        OperationStatus status = reader.Read(out _);
        Assert.Equal(reader.Reason is null ? OperationStatus.Done : OperationStatus.InvalidData, status);
        return reader.Reason;
    }
}
