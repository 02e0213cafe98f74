using Broker.Actors.Model;
using static Broker.Actors.Channels.Home.MoveProtocol;

namespace Broker.Actors.Channels.Home;

/// <summary>The bytes of <see cref="MoveProtocol"/>, laid out as <see cref="ChannelHomeSerializer"/> says.</summary>
public static class MoveSerializer
{
    /// <summary>Writes a message.</summary>
    public static byte[] Write(Handover message)
    {
        ArgumentNullException.ThrowIfNull(message);
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)NodeSerializer.Kind.Handover);
        writer.WriteUInt64(message.Move);
        writer.WriteUInt32(message.Piece);
        writer.WriteBool(message.IsLast);
        writer.WriteUInt32((uint)message.Channels.Count);
        foreach (MovedChannel channel in message.Channels) Write(ref writer, channel);
        writer.WriteUInt32((uint)message.Answers.Count);
        foreach (MovedAnswer answer in message.Answers)
        {
            writer.WriteText(answer.Channel);
            writer.WriteText(answer.Key);
            ChannelHomeSerializer.WritePosition(ref writer, answer.Position);
            Write(ref writer, answer.Left);
            writer.WriteBool(answer.IsKept);
        }

        return ChannelHomeSerializer.End(writer);
    }

    private static void Write(ref ValueWriter writer, MovedChannel channel)
    {
        writer.WriteText(channel.Name);
        ChannelHomeSerializer.WritePosition(ref writer, channel.Position);
        writer.WriteBool(channel.HasHistory);
        Write(ref writer, channel.Untouched);
        Write(ref writer, channel.Unpublished);
        writer.WriteUInt64(channel.Version);
        writer.WriteBool(channel.VersionEpoch is not null);
        if (channel.VersionEpoch is { } epoch) writer.WriteText(epoch);
        writer.WriteUInt32((uint)channel.Publications.Count);
        foreach (Publication publication in channel.Publications) ChannelHomeSerializer.WritePublication(ref writer, publication);
        writer.WriteUInt32((uint)channel.Listeners.Count);
        foreach (MovedListener listener in channel.Listeners)
        {
            writer.WriteText(listener.Node);
            NodeSerializer.WritePresent(ref writer, listener.Members);
        }
    }

    private static void Write(ref ValueWriter writer, TimeSpan time) => writer.WriteUInt64((ulong)Math.Max(0, time.TotalMilliseconds));

    /// <summary>Reads a message.</summary>
    /// <returns>Null if the bytes are no whole message of this kind.</returns>
    public static Handover? ReadHandover(ReadOnlySpan<byte> bytes)
    {
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)NodeSerializer.Kind.Handover, out ValueReader reader)) return null;
        ulong move = reader.ReadUInt64();
        uint piece = (uint)reader.ReadCount();
        bool isLast = reader.ReadBool();
        List<MovedChannel> channels = [];
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--) channels.Add(ReadChannel(ref reader));
        List<MovedAnswer> answers = [];
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--)
        {
            answers.Add(new MovedAnswer(reader.ReadText(), reader.ReadText(), ChannelHomeSerializer.ReadPosition(ref reader),
                ReadTime(ref reader), reader.ReadBool()));
        }

        return reader.IsGood ? new Handover(move, piece, isLast, channels, answers) : null;
    }

    private static MovedChannel ReadChannel(ref ValueReader reader)
    {
        var channel = new MovedChannel(reader.ReadText(), ChannelHomeSerializer.ReadPosition(ref reader))
        {
            HasHistory = reader.ReadBool(),
            Untouched = ReadTime(ref reader),
            Unpublished = ReadTime(ref reader),
            Version = reader.ReadUInt64(),
            VersionEpoch = reader.ReadBool() ? reader.ReadText() : null,
        };
        List<Publication> publications = [];
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--)
        {
            Publication read = ChannelHomeSerializer.ReadPublication(ref reader);
            publications.Add(read.LongData is { } data ? read with { Data = data.ToArray(), LongData = null } : read);
        }

        List<MovedListener> listeners = [];
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--)
            listeners.Add(new MovedListener(reader.ReadText(), NodeSerializer.ReadPresent(ref reader)));
        return channel with { Publications = publications, Listeners = listeners };
    }

    private static TimeSpan ReadTime(ref ValueReader reader) =>
        TimeSpan.FromMilliseconds(Math.Min(reader.ReadUInt64(), (ulong)TimeSpan.FromDays(10_000).TotalMilliseconds));

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Handed message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)NodeSerializer.Kind.Handed);
        writer.WriteUInt64(message.Move);
        writer.WriteUInt32(message.Piece);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Handed message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)NodeSerializer.Kind.Handed, out ValueReader reader)) return false;
        message = new Handed(reader.ReadUInt64(), (uint)reader.ReadCount());
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Moved message) => ChannelHomeSerializer.End(ChannelHomeSerializer.Begin((byte)NodeSerializer.Kind.Moved));
}
