using System.Buffers;
using System.Text;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Dialects.Centrifuge.Wire.Protobuf;
using Broker.Tests.Support;
using CsCheck;
using Xunit;

namespace Broker.Tests.Centrifuge.Protobuf;

public sealed class ProtobufCommandReaderTests
{
    // A command of every kind, with every field that is read.
    private static readonly string[] s_commands =
    [
        """{}""",
        """{"id":1,"connect":{}}""",
        """{"id":4294967295,"connect":{"token":"t","data":{"a":1},"name":"go","version":"1.2","subs":{"news":{"recover":true,"offset":18446744073709551615,"epoch":"e","delta":"fossil"},"x":{}},"headers":{"Authorization":"Bearer ü","b":""}}}""",
        """{"id":2,"subscribe":{"channel":"chat","token":"t","recover":true,"epoch":"abc","offset":7,"data":[1],"positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil","flag":3,"type":1}}""",
        """{"id":2,"subscribe":{"channel":"chat","tf":{"op":"and","nodes":[{"key":"a","cmp":"in","vals":["x","y",""]},{"op":"not","nodes":[{"key":"b","cmp":"eq","val":"1"}]}]}}}""",
        """{"id":3,"unsubscribe":{"channel":"chat"}}""",
        """{"id":4,"publish":{"channel":"chat","data":"hello","type":1}}""",
        """{"id":5,"presence":{"channel":"chat"}}""",
        """{"id":6,"presence_stats":{"channel":"chat"}}""",
        """{"id":7,"history":{"channel":"chat","limit":-1,"since":{"offset":3,"epoch":"e"},"reverse":true}}""",
        """{"send":{"data":1}}""",
        """{"id":8,"send":{"data":1}}""",
        """{"id":9,"rpc":{"data":null,"method":"m"}}""",
        """{"id":10,"refresh":{"token":"t"}}""",
        """{"id":11,"sub_refresh":{"channel":"c","token":"t","type":2}}""",
        """{"id":12}""",
        """{"id":12,"ping":{}}""",
        """{"id":13,"rpc":{"method":"m","later":1},"newer":{}}""",
    ];

    public static TheoryData<string> Commands => [.. s_commands];

    [Theory, MemberData(nameof(Commands))]
    public void Both_forms_give_the_same_command(string json)
    {
        var text = new CommandReader(Encoding.UTF8.GetBytes(json));
        Assert.Equal(OperationStatus.Done, text.Read(out Command expected));
        var binary = new ProtobufCommandReader(ProtobufTranscoder.Encode(json));

        Assert.Equal(OperationStatus.Done, binary.Read(out Command command));

        Assert.Equal(Describe(expected), Describe(command));
        Assert.Equal(OperationStatus.NeedMoreData, binary.Read(out _));
    }

    private static string Describe(in Command command) => string.Join('|',
        command.Id, command.Kind, Text(command.Channel), Text(command.Data), Text(command.Token), Text(command.Name),
            Text(command.Version), Json(command.Subs), Json(command.Headers), Text(command.Method),
        command.Recover, command.Offset, Text(command.Epoch), command.Positioned, command.Recoverable, command.JoinLeave,
            Text(command.Delta), Json(command.TagsFilter), command.Flags, command.Type,
        command.Limit, command.Reverse, command.Since);

    private static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);

    private static string Json(ReadOnlySpan<byte> json) =>
        json.IsEmpty ? "" : System.Text.Json.Nodes.JsonNode.Parse(json)!.ToJsonString();

    [Theory]
    [InlineData("00", CommandKind.Pong, 0)]
    [InlineData("04 0801 2200", CommandKind.Connect, 1)]
    [InlineData("08 08ac02 2a03 0a0161", CommandKind.Subscribe, 300)]
    [InlineData("0b 0805 3a07 0a0161 1202 ff00", CommandKind.Publish, 5)]
    [InlineData("05 6203 0a01 31", CommandKind.Send, 0)]
    [InlineData("02 0807", CommandKind.Unknown, 7)]
    [InlineData("8000", CommandKind.Pong, 0)]
    [InlineData("06 2200 08818000", CommandKind.Connect, 1)]
    public void Golden_bytes_are_read(string hex, CommandKind kind, uint id)
    {
        var reader = new ProtobufCommandReader(Wire.Bytes(hex));

        Assert.Equal(OperationStatus.Done, reader.Read(out Command command));

        Assert.Equal((kind, id), (command.Kind, command.Id));
    }

    [Fact]
    public void Fields_of_all_wire_types_that_are_unknown_are_skipped()
    {
        byte[] message =
            [0x08, 1, 0x22, 0, 0xF8, 0x3F, 0xFF, 0x01, 0xFD, 0x3F, 1, 2, 3, 4, 0xF9, 0x3F, 1, 2, 3, 4, 5, 6, 7, 8, 0xFA, 0x3F, 2, 9, 9];
        var reader = new ProtobufCommandReader([(byte)message.Length, .. message, 0]);

        Assert.Equal(OperationStatus.Done, reader.Read(out Command connect));
        Assert.Equal(CommandKind.Connect, connect.Kind);
        Assert.Equal(OperationStatus.Done, reader.Read(out Command pong));
        Assert.Equal((CommandKind.Pong, 1, message.Length + 2), (pong.Kind, reader.Index, reader.Position));
    }

    [Theory]
    [InlineData("", "The frame is empty.")]
    [InlineData("80", "The length of a command is malformed.")]
    [InlineData("ffffffffffffffffff01", "A command is longer than its frame.")]
    [InlineData("ffffffffffffffffff02", "The length of a command is malformed.")]
    [InlineData("ffffffff0f 00", "A command is longer than its frame.")]
    [InlineData("03 0801", "A command is longer than its frame.")]
    [InlineData("01 08", "A number ends with the message.")]
    [InlineData("02 0880", "A number ends with the message.")]
    [InlineData("0b 08 ffffffffffffffffff02", "A number has more than 64 bits.")]
    [InlineData("06 08 8080808010", "id is not a whole number from 0 to 2^32 - 1.")]
    [InlineData("03 0a01 31", "id has a wrong wire type.")]
    [InlineData("02 2001", "a method has a wrong wire type.")]
    [InlineData("04 0801 2205", "A field is longer than the message around it.")]
    [InlineData("0d 0801 22 ffffffffffffffffff 01", "A field is longer than the message around it.")]
    [InlineData("06 0801 2200 2a00", "A command has two methods.")]
    [InlineData("06 0801 2200 2200", "A command has two methods.")]
    [InlineData("02 2200", "A command has no id.")]
    [InlineData("07 0801 2203 0a01 ff", "token is not UTF-8.")]
    [InlineData("06 0801 2202 0b0c", "A field is a group, or of no wire type.")]
    [InlineData("06 0801 0b 0c 2200", "A field is a group, or of no wire type.")]
    [InlineData("05 0801 2200 0f", "A field is a group, or of no wire type.")]
    [InlineData("06 0801 2200 0001", "A field has a number that Protobuf does not have.")]
    [InlineData("0b 0801 52 07 38 ffffffff1f 00", null)]
    public void What_is_malformed_is_refused_with_its_reason(string hex, string? reason)
    {
        var reader = new ProtobufCommandReader(Wire.Bytes(hex));

        Assert.Equal(OperationStatus.InvalidData, reader.Read(out Command command));

        if (reason is not null) Assert.Equal(reason, reader.Reason);
        Assert.True(command.Channel.IsEmpty && command.Id == 0);
        Assert.Equal(OperationStatus.InvalidData, reader.Read(out _));
    }

    [Theory]
    [InlineData(31, true)]
    [InlineData(32, false)]
    [InlineData(10_000, false)]
    public void A_filter_may_be_nested_only_so_deep(int levels, bool isTaken)
    {
        byte[] node = [];
        for (int i = 1; i < levels; i++) node = ProtobufTranscoder.Bytes(6, node);
        byte[] command =
            [0x08, 1, .. ProtobufTranscoder.Bytes(5, [.. ProtobufTranscoder.Bytes(1, "c"u8), .. ProtobufTranscoder.Bytes(13, node)])];
        var reader = new ProtobufCommandReader([.. ProtobufTranscoder.Varint((ulong)command.Length), .. command]);

        Assert.Equal(isTaken ? OperationStatus.Done : OperationStatus.InvalidData, reader.Read(out _));
        if (!isTaken) Assert.Equal("A filter is nested too deep.", reader.Reason);
    }

    [Fact]
    public void A_negative_limit_may_have_five_or_ten_bytes()
    {
        foreach (string limit in (string[])["ffffffff0f", "ffffffffffffffffff01"])
        {
            byte[] history = [.. ProtobufTranscoder.Bytes(1, "c"u8), 0x38, .. Wire.Bytes(limit)];
            byte[] command = [0x08, 1, .. ProtobufTranscoder.Bytes(10, history)];
            var reader = new ProtobufCommandReader([(byte)command.Length, .. command]);

            Assert.Equal(OperationStatus.Done, reader.Read(out Command read));
            Assert.Equal(-1, read.Limit);
        }
    }

    [Fact]
    public void A_frame_cut_anywhere_gives_its_whole_commands_and_a_refusal()
    {
        foreach (string json in s_commands.Where(static json => json != "{}"))
        {
            byte[] one = ProtobufTranscoder.Encode(json), frame = [.. one, .. one];
            for (int cut = 1; cut < frame.Length; cut++)
            {
                var reader = new ProtobufCommandReader(frame.AsSpan(0, cut));
                int commands = 0;
                OperationStatus status;
                while ((status = reader.Read(out _)) == OperationStatus.Done) commands++;

                Assert.Equal(
                    (cut / one.Length, cut == one.Length ? OperationStatus.NeedMoreData : OperationStatus.InvalidData), (commands, status));
            }
        }
    }

    [Fact]
    public void No_bytes_break_the_reader()
    {
        byte[][] whole = [.. s_commands.Select(ProtobufTranscoder.Encode)];
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Int[0, 400], Gen.Byte, Gen.Byte.Array[0, 20]).Sample((pick, at, value, tail) =>
        {
            byte[] frame = [.. whole[pick], .. tail];
            frame[at % frame.Length] = value;
            var reader = new ProtobufCommandReader(frame);
            int commands = 0;
            while (reader.Read(out Command command) == OperationStatus.Done)
            {
                commands++;
                var subs = new RecoveryReader(command.Subs);
                while (subs.Read(out _)) { }
                Assert.Null(subs.Reason);
                if (!command.TagsFilter.IsEmpty) Assert.True(RawJson.IsValid(command.TagsFilter));
            }

            Assert.True(commands <= frame.Length);
        }, iter: 20_000);
    }
}
