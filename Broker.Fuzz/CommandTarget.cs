using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Core.Topics;

namespace Broker.Fuzz;

/// <summary>
/// The JSON dialect: a text message to commands, and what a command carries to the line of a publication. Whatever is taken
/// for a command has to be JSON for another reader too, and what is made of it has to be one line of JSON.
/// </summary>
public static class CommandTarget
{
    private const int CommandsMax = 256;

    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = CentrifugeProtocol.DepthMax };

    /// <summary>Runs one input.</summary>
    public static void Run(byte[] input)
    {
        bool isText = Utf8.IsValid(input);
        var reader = new CommandReader(input);
        while (reader.Index < CommandsMax)
        {
            int before = reader.Index;
            OperationStatus status = reader.Read(out Command command);
            if (status == OperationStatus.InvalidData)
            {
                FindingException.Unless(reader.Reason is { Length: > 0 }, "Refused without a reason.");
                FindingException.Unless(reader.Read(out _) == OperationStatus.InvalidData, "Taken after it was refused.");
                return;
            }

            if (status == OperationStatus.NeedMoreData)
            {
                FindingException.Unless(before >= 0, "A frame of nothing was taken.");
                return;
            }

            FindingException.Unless(reader.Index == before + 1, "A command that was not counted.");
            if (isText) Judge(LineOf(input, reader.Index), command);
        }
    }

    private static ReadOnlyMemory<byte> LineOf(byte[] frame, int index)
    {
        ReadOnlyMemory<byte> rest = frame;
        for (; index > 0; index--) rest = rest[(rest.Span.IndexOf((byte)'\n') + 1)..];
        int end = rest.Span.IndexOf((byte)'\n');
        return end < 0 ? rest : rest[..end];
    }

    private static void Judge(ReadOnlyMemory<byte> line, in Command command)
    {
        using (JsonDocument document = JsonDocument.Parse(line, s_options))
        {
            JsonElement root = document.RootElement;
            FindingException.Unless(root.ValueKind == JsonValueKind.Object, "A command that is no object.");
            FindingException.Unless(command.Kind != CommandKind.Pong || command.Id == 0, "A pong with an id.");
            FindingException.Unless(command.Kind is CommandKind.Pong or CommandKind.Send || command.Id != 0, "A command without an id.");
        }

        string channel = Command.Keep(command.Channel);
        bool named = ChannelName.Check(channel, CentrifugeProtocol.ChannelBytesMax) is null;
        FindingException.Unless(
            named == (ChannelName.Check(command.Channel, CentrifugeProtocol.ChannelBytesMax) is null), "The name is judged in two ways.");
        FindingException.Unless(!command.Data.Contains((byte)'\n'), "Data with a line feed.");

        var subs = new RecoveryReader(command.Subs);
        int count = 0;
        while (subs.Read(out _)) FindingException.Unless(++count <= line.Length, "More channels than bytes.");
        FindingException.Unless(subs.Reason is null, "A connect whose subs were not checked.");

        if (!command.Data.IsEmpty) Publish(command);
    }

    private static void Publish(in Command command)
    {
        byte[] prefix = PublicationEncoder.EncodePrefix(command.Channel);
        byte[] info = PublicationEncoder.EncodeInfo("", Command.Keep(command.Name));
        byte[] line = PublicationEncoder.Encode(prefix, new Publication { Data = command.Data, Info = info });
        FindingException.Unless(!line.AsSpan().ContainsAny((byte)'\n', (byte)'\r'), "A publication of two lines.");
        using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = CentrifugeProtocol.DepthMax + 3 });
        JsonElement push = document.RootElement.GetProperty("push");
        FindingException.Unless(
            push.GetProperty("channel").GetString() == Command.Keep(command.Channel), "The channel came out as another.");
    }
}
