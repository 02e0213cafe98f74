using System.Buffers;
using Broker.Core.Framing;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Dialects.Centrifuge.Wire.Protobuf;

namespace Broker.Dialects.Centrifuge;

/// <summary>Rules that a command has to keep beside its form. Pure.</summary>
internal static class CommandRules
{
    /// <summary>
    /// Whether a command came in a message that is too long for it: longer than any other may only be the one in which a client connects
    /// and subscribes to all its channels.
    /// </summary>
    internal static bool IsTooLong(in Message frame, in Command command, int messageBytesMax) =>
        frame.Payload.Length > messageBytesMax && !IsResuming(command.Kind) && command.Kind != CommandKind.Pong;

    /// <summary>Whether a client that comes back sends such a command.</summary>
    internal static bool IsResuming(CommandKind kind) => kind is CommandKind.Connect or CommandKind.Subscribe;

    /// <summary>
    /// Whether a long message begins as that of a client that comes back: with a whole connect or subscribe command, in either form.
    /// </summary>
    internal static bool IsResuming(Opcode opcode, ReadOnlySpan<byte> first)
    {
        if (new ProtobufCommandReader(first).Read(out Command encoded) == OperationStatus.Done && IsResuming(encoded.Kind)) return true;
        int end = first.IndexOf((byte)'\n');
        return end > 0 && new CommandReader(first[..end]).Read(out Command command) == OperationStatus.Done && IsResuming(command.Kind);
    }

    /// <summary>Whether a connect command, with what stands before it, is longer than a client may send before it has connected.</summary>
    internal static bool IsConnectTooLong(in Message frame, int position, in Command command, int bytesMax) =>
        command.Kind == CommandKind.Connect && Math.Min(frame.Payload.Length, position) > bytesMax;

    /// <summary>What rule a command breaks that can be read, and for which the official server closes the connection; or null.</summary>
    internal static string? Broken(in Command command) => command.Kind switch
    {
        CommandKind.Unknown => "a command without a known method",
        CommandKind.Subscribe when !command.Delta.IsEmpty && !command.Delta.SequenceEqual("fossil"u8) => "a delta that is not known",
        CommandKind.Subscribe or CommandKind.Unsubscribe or CommandKind.Publish or CommandKind.Presence or CommandKind.PresenceStats
            or CommandKind.History or CommandKind.SubRefresh when command.Channel.IsEmpty => "a command without a channel",
        CommandKind.Refresh when command.Token.IsEmpty => "a refresh without a token",
        _ => null,
    };
}
