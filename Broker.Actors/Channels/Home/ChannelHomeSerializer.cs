using Broker.Actors.Model;
using static Broker.Actors.Channels.Home.ChannelHomeProtocol;

namespace Broker.Actors.Channels.Home;

/// <summary>The bytes of the messages between homes and relays.</summary>
/// <remarks>
/// <code>
/// u8 version (1)   u8 kind   u32 length of the rest   the rest
/// text, bytes: u32 length, then as many     list: u32 count, then the items     optional: u8 0, or u8 1 and the value
/// integers: little endian, of a fixed width
/// </code>
/// Fields stand in the order of their declaration. A reader takes what it knows and passes over what a newer version has put behind it;
/// lengths are compared with what is there before anything is made of them.
/// </remarks>
public static class ChannelHomeSerializer
{
    /// <summary>The version that is written.</summary>
    public const byte Version = 1;

    private const int HeadBytes = 6;

    private enum Kind : byte
    {
        Attach = 1,
        Attached,
        Detach,
        Publish,
        Published,
        Deliver,
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Attach message)
    {
        ValueWriter writer = Begin(Kind.Attach);
        writer.WriteText(message.Channel);
        writer.WriteUInt64(message.Request);
        WriteOptional(ref writer, message.After);
        writer.WriteUInt32((uint)message.Limit);
        return End(writer);
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Attached message)
    {
        ValueWriter writer = Begin(Kind.Attached);
        writer.WriteUInt64(message.Request);
        WritePosition(ref writer, message.Position);
        writer.WriteBool(message.Recovered);
        writer.WriteBool(message.Recoverable);
        writer.WriteUInt32((uint)(message.Missed?.Count ?? 0));
        foreach (Publication publication in message.Missed ?? []) WritePublication(ref writer, publication);
        WriteError(ref writer, message.Error);
        return End(writer);
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Detach message)
    {
        ValueWriter writer = Begin(Kind.Detach);
        writer.WriteText(message.Channel);
        return End(writer);
    }

    /// <summary>Writes a message; long data is copied into it.</summary>
    public static byte[] Write(in Publish message)
    {
        ValueWriter writer = Begin(Kind.Publish);
        writer.WriteText(message.Channel);
        writer.WriteUInt64(message.Request);
        WritePublication(ref writer, message.Publication);
        writer.WriteText(message.Options.IdempotencyKey);
        writer.WriteUInt64(message.Options.Version);
        writer.WriteText(message.Options.VersionEpoch);
        writer.WriteBool(message.Options.UsesDelta);
        writer.WriteBool(message.Options.SkipsHistory);
        writer.WriteText(message.Options.ExceptClient);
        return End(writer);
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Published message)
    {
        ValueWriter writer = Begin(Kind.Published);
        writer.WriteUInt64(message.Request);
        WritePosition(ref writer, message.Position);
        writer.WriteUInt32((uint)message.Receivers);
        WriteError(ref writer, message.Error);
        writer.WriteBool(message.Suppressed);
        return End(writer);
    }

    /// <summary>Writes a message; long data is copied into it.</summary>
    public static byte[] Write(in Deliver message)
    {
        ValueWriter writer = Begin(Kind.Deliver);
        writer.WriteText(message.Channel);
        WritePosition(ref writer, message.Position);
        WritePublication(ref writer, message.Publication);
        writer.WriteText(message.ExceptClient);
        writer.WriteBool(message.UsesDelta);
        return End(writer);
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Attach message)
    {
        message = default;
        if (!TryBegin(bytes, Kind.Attach, out ValueReader reader)) return false;
        message = new Attach(reader.ReadText(), reader.ReadUInt64())
            { After = ReadOptionalPosition(ref reader), Limit = reader.ReadCount() };
        return reader.IsGood;
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Attached message)
    {
        message = default;
        if (!TryBegin(bytes, Kind.Attached, out ValueReader reader)) return false;
        ulong request = reader.ReadUInt64();
        StreamPosition position = ReadPosition(ref reader);
        bool recovered = reader.ReadBool(), recoverable = reader.ReadBool();
        List<Publication>? missed = null;
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--) (missed ??= []).Add(ReadPublication(ref reader));
        message = new Attached(request, position)
            { Recovered = recovered, Recoverable = recoverable, Missed = missed, Error = ReadError(ref reader) };
        return reader.IsGood;
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Detach message)
    {
        message = default;
        if (!TryBegin(bytes, Kind.Detach, out ValueReader reader)) return false;
        message = new Detach(reader.ReadText());
        return reader.IsGood;
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Publish message)
    {
        message = default;
        if (!TryBegin(bytes, Kind.Publish, out ValueReader reader)) return false;
        string channel = reader.ReadText();
        ulong request = reader.ReadUInt64();
        Publication publication = ReadPublication(ref reader);
        var options = new PublishOptions
        {
            IdempotencyKey = reader.ReadText(),
            Version = reader.ReadUInt64(),
            VersionEpoch = reader.ReadText(),
            UsesDelta = reader.ReadBool(),
            SkipsHistory = reader.ReadBool(),
            ExceptClient = reader.ReadText(),
        };
        message = new Publish(channel, request, publication, options);
        return reader.IsGood;
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Published message)
    {
        message = default;
        if (!TryBegin(bytes, Kind.Published, out ValueReader reader)) return false;
        message = new Published(reader.ReadUInt64(), ReadPosition(ref reader), reader.ReadCount())
            { Error = ReadError(ref reader), Suppressed = reader.ReadBool() };
        return reader.IsGood;
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Deliver message)
    {
        message = default;
        if (!TryBegin(bytes, Kind.Deliver, out ValueReader reader)) return false;
        message = new Deliver(reader.ReadText(), ReadPosition(ref reader), ReadPublication(ref reader), reader.ReadText())
            { UsesDelta = reader.ReadBool() };
        return reader.IsGood;
    }

    private static ValueWriter Begin(Kind kind)
    {
        var writer = new ValueWriter();
        writer.WriteByte(Version);
        writer.WriteByte((byte)kind);
        writer.WriteUInt32(0);
        return writer;
    }

    private static byte[] End(ValueWriter writer)
    {
        byte[] bytes = writer.ToArray();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(2), (uint)(bytes.Length - HeadBytes));
        return bytes;
    }

    private static bool TryBegin(ReadOnlySpan<byte> bytes, Kind kind, out ValueReader reader)
    {
        reader = new ValueReader(bytes);
        byte version = reader.ReadByte(), found = reader.ReadByte();
        int length = reader.ReadCount();
        if (!reader.IsGood || version < Version || found != (byte)kind || length != bytes.Length - HeadBytes) return false;
        return true;
    }

    private static void WritePosition(ref ValueWriter writer, StreamPosition position)
    {
        writer.WriteUInt64(position.Epoch);
        writer.WriteUInt64(position.Offset);
    }

    private static void WriteOptional(ref ValueWriter writer, StreamPosition? position)
    {
        writer.WriteBool(position is not null);
        if (position is { } known) WritePosition(ref writer, known);
    }

    private static void WriteError(ref ValueWriter writer, HubError? error)
    {
        writer.WriteBool(error is not null);
        if (error is not { } known) return;
        writer.WriteByte((byte)known.Kind);
        writer.WriteUInt32((uint)known.ApplicationCode);
        writer.WriteText(known.Message);
        writer.WriteBool(known.Temporary);
    }

    private static void WritePublication(ref ValueWriter writer, in Publication publication)
    {
        if (publication.LongData is { } data) writer.WriteBytes(data.ToArray());
        else writer.WriteBytes(publication.Data.Span);
        writer.WriteBool(publication.IsJson);
        writer.WriteUInt64(publication.Offset);
        writer.WriteUInt64((ulong)publication.TimeMilliseconds);
        writer.WriteBool(publication.Info is not null);
        if (publication.Info is { } info)
        {
            writer.WriteText(info.User);
            writer.WriteText(info.Client);
            writer.WriteBytes(info.ConnectionInfo.Span);
            writer.WriteBytes(info.ChannelInfo.Span);
        }

        writer.WriteBool(publication.Extras is not null);
        if (publication.Extras is not { } extras) return;
        WritePairs(ref writer, extras.Tags);
        WritePairs(ref writer, extras.Headers);
        writer.WriteText(extras.EventName);
        writer.WriteText(extras.ContentType);
        writer.WriteUInt64(extras.Version);
        writer.WriteText(extras.Key);
    }

    private static void WritePairs(ref ValueWriter writer, IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        writer.WriteUInt32((uint)pairs.Count);
        foreach ((string name, string value) in pairs)
        {
            writer.WriteText(name);
            writer.WriteText(value);
        }
    }

    private static StreamPosition ReadPosition(ref ValueReader reader) => new(reader.ReadUInt64(), reader.ReadUInt64());

    private static StreamPosition? ReadOptionalPosition(ref ValueReader reader) => reader.ReadBool() ? ReadPosition(ref reader) : null;

    private static HubError? ReadError(ref ValueReader reader)
    {
        if (!reader.ReadBool()) return null;
        var kind = (HubErrorKind)reader.ReadByte();
        int code = reader.ReadCount();
        string message = reader.ReadText();
        bool temporary = reader.ReadBool();
        if (kind != HubErrorKind.Application) return new HubError(kind, message, temporary);
        return code is < HubError.ApplicationCodeMin or > HubError.ApplicationCodeMax ? HubError.Internal
            : HubError.Application(code, message, temporary);
    }

    private static Publication ReadPublication(ref ValueReader reader)
    {
        var publication = new Publication
        {
            Data = reader.ReadBytes(),
            IsJson = reader.ReadBool(),
            Offset = reader.ReadUInt64(),
            TimeMilliseconds = (long)reader.ReadUInt64(),
        };
        if (reader.ReadBool())
            publication =
                publication with { Info = new ClientInfo(reader.ReadText(), reader.ReadText())
                    { ConnectionInfo = reader.ReadBytes(), ChannelInfo = reader.ReadBytes() } };
        if (!reader.ReadBool()) return publication;
        return publication with
        {
            Extras = new PublicationExtras
            {
                Tags = ReadPairs(ref reader),
                Headers = ReadPairs(ref reader),
                EventName = reader.ReadText(),
                ContentType = reader.ReadText(),
                Version = reader.ReadUInt64(),
                Key = reader.ReadText(),
            },
        };
    }

    private static List<KeyValuePair<string, string>> ReadPairs(ref ValueReader reader)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--) pairs.Add(new(reader.ReadText(), reader.ReadText()));
        return pairs;
    }
}
