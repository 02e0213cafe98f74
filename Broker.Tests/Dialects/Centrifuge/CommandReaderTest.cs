using System.Buffers;
using System.Text;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>Each command as an official client writes it, and what comes out.</summary>
public class CommandReaderTest
{
    [Fact]
    public void Connect_has_a_token_data_a_name_and_a_version()
    {
        Command command = Read("""{"connect":{"token":"abc","data":{"room": 1},"name":"js","version":"5.7.1"},"id":1}""");

        Assert.Equal(CommandKind.Connect, command.Kind);
        Assert.Equal(1u, command.Id);
        Assert.Equal("abc", Command.Keep(command.Token));
        Assert.Equal("""{"room": 1}""", Command.Keep(command.Data));
        Assert.Equal("js", Command.Keep(command.Name));
        Assert.Equal("5.7.1", Command.Keep(command.Version));
        Assert.True(command.Subs.IsEmpty);
    }

    [Fact]
    public void Connect_may_be_empty()
    {
        Command command = Read("""{"id":1,"connect":{}}""");

        Assert.Equal(CommandKind.Connect, command.Kind);
        Assert.True(command.Token.IsEmpty && command.Data.IsEmpty && command.Name.IsEmpty && command.Version.IsEmpty);
    }

    [Fact]
    public void Connect_names_the_channels_to_recover()
    {
        Command command = Read(
            """{"connect":{"subs":{"a":{"recover":true,"offset":7,"epoch":"xyz"},"b\"c":{"delta":"fossil","new":[{}]},"d":null}},"id":1}""");
        var reader = new RecoveryReader(command.Subs);

        Assert.True(reader.Read(out Recovery first));
        Assert.Equal("a", Command.Keep(first.Channel));
        Assert.True(first.Recover);
        Assert.Equal(7u, first.Offset);
        Assert.Equal("xyz", Command.Keep(first.Epoch));
        Assert.True(reader.Read(out Recovery second));
        Assert.Equal("b\"c", Command.Keep(second.Channel));
        Assert.False(second.Recover);
        Assert.Equal("fossil", Command.Keep(second.Delta));
        Assert.True(reader.Read(out Recovery third));
        Assert.Equal("d", Command.Keep(third.Channel));
        Assert.False(reader.Read(out _));
        Assert.Null(reader.Reason);
    }

    [Fact]
    public void No_subs_and_empty_subs_have_no_channel_to_recover()
    {
        var none = new RecoveryReader(Read("""{"connect":{},"id":1}""").Subs);
        var empty = new RecoveryReader(Read("""{"connect":{"subs":{}},"id":1}""").Subs);

        Assert.False(none.Read(out _));
        Assert.False(empty.Read(out _));
        Assert.Null(empty.Reason);
    }

    [Fact]
    public void Subscribe_has_a_position_and_wishes()
    {
        Command command = Read(
            """
            {"subscribe":{"channel":"news","token":"t","recover":true,"epoch":"e1","offset":18446744073709551615,"data":[1],"positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","tf":{"key":"k","cmp":"eq","val":"v"},"flag":3,"type":1},"id":4294967295}
            """);

        Assert.Equal(CommandKind.Subscribe, command.Kind);
        Assert.Equal(uint.MaxValue, command.Id);
        Assert.Equal("news", Command.Keep(command.Channel));
        Assert.Equal("t", Command.Keep(command.Token));
        Assert.True(command.Recover);
        Assert.Equal("e1", Command.Keep(command.Epoch));
        Assert.Equal(ulong.MaxValue, command.Offset);
        Assert.Equal("[1]", Command.Keep(command.Data));
        Assert.True(command.Positioned);
        Assert.True(command.Recoverable);
        Assert.True(command.JoinLeave);
        Assert.Equal("fossil", Command.Keep(command.Delta));
        Assert.Equal("""{"key":"k","cmp":"eq","val":"v"}""", Command.Keep(command.TagsFilter));
        Assert.Equal(3, command.Flags);
        Assert.Equal(1, command.Type);
    }

    [Fact]
    public void Publish_has_a_channel_and_data()
    {
        Command command = Read("""{"publish":{"channel":"news","data":{"text":"hello"},"type":2},"id":3}""");

        Assert.Equal(CommandKind.Publish, command.Kind);
        Assert.Equal(3u, command.Id);
        Assert.Equal("news", Command.Keep(command.Channel));
        Assert.Equal("""{"text":"hello"}""", Command.Keep(command.Data));
        Assert.Equal(2, command.Type);
    }

    [Theory]
    [InlineData("""{"unsubscribe":{"channel":"c"},"id":5}""", CommandKind.Unsubscribe)]
    [InlineData("""{"presence":{"channel":"c"},"id":5}""", CommandKind.Presence)]
    [InlineData("""{"presence_stats":{"channel":"c"},"id":5}""", CommandKind.PresenceStats)]
    [InlineData("""{"history":{"channel":"c"},"id":5}""", CommandKind.History)]
    [InlineData("""{"sub_refresh":{"channel":"c"},"id":5}""", CommandKind.SubRefresh)]
    public void A_command_about_a_channel_names_it(string line, CommandKind kind)
    {
        Command command = Read(line);

        Assert.Equal(kind, command.Kind);
        Assert.Equal(5u, command.Id);
        Assert.Equal("c", Command.Keep(command.Channel));
    }

    [Fact]
    public void History_has_a_limit_a_start_and_a_direction()
    {
        Command command =
            Read("""{"history":{"channel":"c","limit":-1,"since":{"offset":9,"epoch":"e","more":1},"reverse":true},"id":2}""");

        Assert.Equal(-1, command.Limit);
        Assert.True(command.Since);
        Assert.Equal(9u, command.Offset);
        Assert.Equal("e", Command.Keep(command.Epoch));
        Assert.True(command.Reverse);
        Assert.False(Read("""{"history":{"channel":"c","since":null},"id":2}""").Since);
    }

    [Fact]
    public void Rpc_has_a_method_and_data()
    {
        Command command = Read("""{"rpc":{"method":"sum","data":[1,2]},"id":6}""");

        Assert.Equal(CommandKind.Rpc, command.Kind);
        Assert.Equal("sum", Command.Keep(command.Method));
        Assert.Equal("[1,2]", Command.Keep(command.Data));
    }

    [Fact]
    public void A_token_is_refreshed_for_the_connection_or_one_subscription()
    {
        Command connection = Read("""{"refresh":{"token":"new"},"id":7}""");
        Command subscription = Read("""{"sub_refresh":{"channel":"c","token":"new","type":1},"id":8}""");

        Assert.Equal(CommandKind.Refresh, connection.Kind);
        Assert.Equal("new", Command.Keep(connection.Token));
        Assert.Equal(CommandKind.SubRefresh, subscription.Kind);
        Assert.Equal("new", Command.Keep(subscription.Token));
        Assert.Equal(1, subscription.Type);
    }

    [Theory]
    [InlineData("""{"send":{"data":"hi"}}""", 0u)]
    [InlineData("""{"send":{"data":"hi"},"id":9}""", 9u)]
    public void Send_needs_no_id(string line, uint id)
    {
        Command command = Read(line);

        Assert.Equal(CommandKind.Send, command.Kind);
        Assert.Equal(id, command.Id);
        Assert.Equal("\"hi\"", Command.Keep(command.Data));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData(" { } ")]
    [InlineData("{}\r")]
    [InlineData("""{"id":0}""")]
    [InlineData("""{"id":null,"publish":null}""")]
    [InlineData("""{"ping":{}}""")]
    public void A_command_without_an_id_and_a_method_is_a_pong(string line) =>
        Assert.Equal(CommandKind.Pong, Read(line).Kind);

    [Theory]
    [InlineData("""{"id":1}""")]
    [InlineData("""{"id":1,"ping":{}}""")]
    [InlineData("""{"id":1,"dance":{"channel":"c"}}""")]
    [InlineData("""{"id":1,"Publish":{"channel":"c"}}""")]
    [InlineData("""{"id":1,"publish":null}""")]
    public void A_command_with_an_id_and_no_method_that_we_know_is_unknown(string line)
    {
        Command command = Read(line);

        Assert.Equal(CommandKind.Unknown, command.Kind);
        Assert.Equal(1u, command.Id);
    }

    [Fact]
    public void Members_that_we_do_not_know_are_ignored_wherever_they_stand()
    {
        Command command =
            Read("""{"x":[{"id":7}],"publish":{"y":{"channel":"no"},"channel":"c","token":5,"data":1,"z":"\u12ab"},"id":2,"w":-1e9}""");

        Assert.Equal(2u, command.Id);
        Assert.Equal("c", Command.Keep(command.Channel));
        Assert.Equal("1", Command.Keep(command.Data));
    }

    [Fact]
    public void Of_a_repeated_member_the_last_counts_and_null_does_not_count()
    {
        Command command = Read("""{"id":1,"publish":{"channel":"a","data":1,"channel":"b","data":2,"channel":null},"id":2,"id":null}""");

        Assert.Equal(2u, command.Id);
        Assert.Equal("b", Command.Keep(command.Channel));
        Assert.Equal("2", Command.Keep(command.Data));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("-0.5e+30")]
    [InlineData("123456789012345678901234567890123456789012345678901234567890")]
    [InlineData("\"\"")]
    [InlineData("\"a\\n\\\"b\\u0000\\ud83d\\ude00ä😀\"")]
    [InlineData("[ ]")]
    [InlineData("{ \"b\" : 1 ,\t\"a\" : [ null , { } ] , \"b\" : 2 }")]
    public void Data_comes_out_byte_for_byte(string data) =>
        Assert.Equal(data, Command.Keep(Read($$$"""{"publish":{"channel":"c","data":  {{{data}}}  },"id":1}""").Data));

    [Theory]
    [InlineData(@"c\u0068at", "chat")]
    [InlineData(@"\u0000\u001f", "\0\u001f")]
    [InlineData(@"\""\\\/\b\f\n\r\t", "\"\\/\b\f\n\r\t")]
    [InlineData(@"\ud83d\ude00!", "😀!")]
    [InlineData("räume:😀", "räume:😀")]
    [InlineData("", "")]
    public void A_channel_comes_out_without_its_escapes(string escaped, string channel) =>
        Assert.Equal(channel, Command.Keep(Read($$$"""{"subscribe":{"channel":"{{{escaped}}}"},"id":1}""").Channel));

    [Fact]
    public void Names_of_members_may_be_escaped()
    {
        Command command = Read("""{"\u0070ublish":{"chan\u006eel":"c","data":1},"i\u0064":4}""");

        Assert.Equal(CommandKind.Publish, command.Kind);
        Assert.Equal(4u, command.Id);
        Assert.Equal("c", Command.Keep(command.Channel));
    }

    [Fact]
    public void A_plain_publish_is_read_without_allocating()
    {
        byte[] frame = """{"publish":{"channel":"news","data":{"text":"hello"}},"id":3}"""u8.ToArray();

        Assert.Equal(0, Allocations.Least(() => ReadOnce(frame)));
    }

    private static void ReadOnce(byte[] frame)
    {
        var reader = new CommandReader(frame);
        reader.Read(out _);
    }

    private static Command Read(string line)
    {
        var reader = new CommandReader(Encoding.UTF8.GetBytes(line.Trim('\n')));
        OperationStatus status = reader.Read(out Command command);
        Assert.Null(reader.Reason);
        Assert.Equal(OperationStatus.Done, status);
        return command;
    }
}
