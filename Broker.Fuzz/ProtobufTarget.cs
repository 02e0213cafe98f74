using System.Buffers;
using System.Text.Unicode;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Dialects.Centrifuge.Wire.Protobuf;

namespace Broker.Fuzz;

/// <summary>
/// The Protobuf form: a binary message to commands, and what a command carries to a publication. What is read has to lie within the
/// message, its texts have to be UTF-8, and what is made of it has to be delimited as it says.
/// </summary>
public static class ProtobufTarget
{
    private const int CommandsMax = 256;

    /// <summary>Runs one input.</summary>
    public static void Run(byte[] input)
    {
        var reader = new ProtobufCommandReader(input);
        while (reader.Index < CommandsMax)
        {
            int before = reader.Index, position = reader.Position;
            OperationStatus status = reader.Read(out Command command);
            if (status == OperationStatus.InvalidData)
            {
                FindingException.Unless(reader.Reason is { Length: > 0 }, "Refused without a reason.");
                FindingException.Unless(reader.Read(out _) == OperationStatus.InvalidData, "Taken after it was refused.");
                return;
            }

            if (status == OperationStatus.NeedMoreData)
            {
                FindingException.Unless(before >= 0 && position == input.Length, "A frame was not read to its end.");
                return;
            }

            FindingException.Unless(reader.Index == before + 1 && reader.Position > position, "A command that was not counted.");
            Judge(command, reader.Position - position);
        }
    }

    private static void Judge(in Command command, int bytes)
    {
        FindingException.Unless(command.Kind != CommandKind.Pong || command.Id == 0, "A pong with an id.");
        FindingException.Unless(command.Kind is CommandKind.Pong or CommandKind.Send || command.Id != 0, "A command without an id.");
        FindingException.Unless(
            Utf8.IsValid(command.Channel) && Utf8.IsValid(command.Token) && Utf8.IsValid(command.Name) && Utf8.IsValid(command.Version)
            && Utf8.IsValid(command.Method) && Utf8.IsValid(command.Epoch) && Utf8.IsValid(command.Delta),
            "A text that is not UTF-8.");
        FindingException.Unless(
            command.Channel.Length + command.Data.Length + command.Token.Length <= bytes, "More was read than was there.");
        FindingException.Unless(command.TagsFilter.IsEmpty || RawJson.IsValid(command.TagsFilter), "A filter that is no JSON.");
        FindingException.Unless(command.Headers.IsEmpty || RawJson.IsValid(command.Headers), "Headers that are no JSON.");
        FindingException.Unless(
            command.Subs.Length + command.Headers.Length + command.TagsFilter.Length <= 64L * (bytes + 1), "Maps grew out of proportion.");

        var subs = new RecoveryReader(command.Subs);
        int count = 0;
        while (subs.Read(out _)) FindingException.Unless(++count <= bytes, "More channels than bytes.");
        FindingException.Unless(subs.Reason is null, "Subs that are no subs.");

        byte[] prefix = ProtobufPublicationEncoder.EncodePrefix(command.Channel);
        byte[] push =
            ProtobufPublicationEncoder.Encode(
                prefix, new Publication { Data = command.Data, Offset = command.Offset, Epoch = command.Epoch });
        int length = 0, shift = 0, at = 0;
        do length |= (push[at] & 0x7F) << (7 * shift++);
        while (push[at++] >= 0x80);
        FindingException.Unless(length == push.Length - at, "A push that is not as long as it says.");
    }
}
