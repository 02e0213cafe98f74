using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using static Broker.Actors.Channels.Home.NodeProtocol;

namespace Broker.Actors.Channels.Home;

/// <summary>The bytes of <see cref="NodeProtocol"/>, laid out as <see cref="ChannelHomeSerializer"/> says.</summary>
public static class NodeSerializer
{
    /// <summary>What a message is; the first eight are those of <see cref="ChannelHomeSerializer"/>.</summary>
    public enum Kind : byte
    {
        /// <summary>A node has a subscriber.</summary>
        Attach = 1,

        /// <summary>The node is attached.</summary>
        Attached,

        /// <summary>The node has no subscriber any more.</summary>
        Detach,

        /// <summary>A publication for its home.</summary>
        Publish,

        /// <summary>It has its place.</summary>
        Published,

        /// <summary>A publication for an attached node.</summary>
        Deliver,

        /// <summary>Where does a channel stand?</summary>
        CheckPosition,

        /// <summary>The answer.</summary>
        PositionChecked,

        /// <summary>The home is elsewhere.</summary>
        NotHome = 20,

        /// <summary>A history is to be read.</summary>
        ReadHistory,

        /// <summary>Its page.</summary>
        HistoryRead,

        /// <summary>A history is to be removed.</summary>
        RemoveHistory,

        /// <summary>It is.</summary>
        HistoryRemoved,

        /// <summary>A client is in a channel.</summary>
        Join,

        /// <summary>A client is in it no longer.</summary>
        Leave,

        /// <summary>Those who receive joins and leaves are told of one.</summary>
        Announce,

        /// <summary>Who is in a channel?</summary>
        ReadPresence,

        /// <summary>The answer.</summary>
        PresenceRead,

        /// <summary>A piece of a partition, for its next home.</summary>
        Handover = 30,

        /// <summary>The next home has a piece.</summary>
        Handed,

        /// <summary>The home of a partition is about to be another node.</summary>
        Moved,

        /// <summary>All clients of a node that are in a channel.</summary>
        Present,

        /// <summary>What a node listens to in a partition, as a digest.</summary>
        Digest,

        /// <summary>The digest differs.</summary>
        ListWanted,

        /// <summary>All that a node listens to in a partition.</summary>
        Listens,

        /// <summary>The home did not know that the node listens to these.</summary>
        NotAttached,
    }

    /// <summary>What a message is, by its head; 0 if it has none.</summary>
    public static Kind KindOf(ReadOnlySpan<byte> message) => message.Length > 1 ? (Kind)message[1] : 0;

    /// <summary>The number of the request that an answer is for; every answer begins with it.</summary>
    public static bool TryReadRequest(ReadOnlySpan<byte> answer, out ulong request)
    {
        request = 0;
        if (answer.Length < ChannelHomeSerializer.HeadBytes + sizeof(ulong)) return false;
        request = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(answer[ChannelHomeSerializer.HeadBytes..]);
        return true;
    }

    /// <summary>The channel and the number of a request, without the rest of it; every request begins with them.</summary>
    public static bool TryReadTarget(ReadOnlySpan<byte> bytes, out string channel, out ulong request)
    {
        bool isGood = ChannelHomeSerializer.TryBegin(bytes, (byte)KindOf(bytes), out ValueReader reader);
        channel = isGood ? reader.ReadText() : "";
        request = isGood ? reader.ReadUInt64() : 0;
        return isGood && reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in NotHome message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.NotHome);
        writer.WriteUInt64(message.Request);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    /// <returns>False if the bytes are no whole message of this kind; so for all.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out NotHome message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.NotHome, out ValueReader reader)) return false;
        message = new NotHome(reader.ReadUInt64());
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in ReadHistory message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.ReadHistory);
        writer.WriteText(message.Channel);
        writer.WriteUInt64(message.Request);
        ChannelHomeSerializer.WriteOptional(ref writer, message.Query.Since);
        writer.WriteUInt64((ulong)(Math.Max(message.Query.Limit, HistoryQuery.NoLimit) + 1L));
        writer.WriteBool(message.Query.Reverse);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out ReadHistory message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.ReadHistory, out ValueReader reader)) return false;
        message = new ReadHistory(
            reader.ReadText(), reader.ReadUInt64(),
                new HistoryQuery(
                    ChannelHomeSerializer.ReadOptionalPosition(ref reader), (int)Math.Min(reader.ReadUInt64(), int.MaxValue) - 1,
                        reader.ReadBool()));
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in HistoryRead message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.HistoryRead);
        writer.WriteUInt64(message.Request);
        ChannelHomeSerializer.WriteError(ref writer, message.Error);
        writer.WriteBool(message.Page is not null);
        if (message.Page is not { } page) return ChannelHomeSerializer.End(writer);
        ChannelHomeSerializer.WritePosition(ref writer, page.Top);
        writer.WriteBool(page.IsForeignEpoch);
        writer.WriteUInt32((uint)page.Publications.Count);
        foreach (Publication publication in page.Publications) ChannelHomeSerializer.WritePublication(ref writer, publication);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HistoryRead message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.HistoryRead, out ValueReader reader)) return false;
        ulong request = reader.ReadUInt64();
        HubError? error = ChannelHomeSerializer.ReadError(ref reader);
        HistoryPage? page = null;
        if (reader.ReadBool())
        {
            StreamPosition top = ChannelHomeSerializer.ReadPosition(ref reader);
            bool isForeign = reader.ReadBool();
            List<Publication> publications = [];
            for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--)
                publications.Add(ChannelHomeSerializer.ReadPublication(ref reader));
            page = new HistoryPage(top, publications) { IsForeignEpoch = isForeign };
        }

        message = new HistoryRead(request, page, error);
        return reader.IsGood && (page is null) == (error is not null);
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in RemoveHistory message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.RemoveHistory);
        writer.WriteText(message.Channel);
        writer.WriteUInt64(message.Request);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RemoveHistory message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.RemoveHistory, out ValueReader reader)) return false;
        message = new RemoveHistory(reader.ReadText(), reader.ReadUInt64());
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in HistoryRemoved message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.HistoryRemoved);
        writer.WriteUInt64(message.Request);
        ChannelHomeSerializer.WriteError(ref writer, message.Error);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HistoryRemoved message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.HistoryRemoved, out ValueReader reader)) return false;
        message = new HistoryRemoved(reader.ReadUInt64(), ChannelHomeSerializer.ReadError(ref reader));
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Join message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.Join);
        writer.WriteText(message.Channel);
        ChannelHomeSerializer.WriteInfo(ref writer, message.Member);
        writer.WriteBool(message.IsReported);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Join message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.Join, out ValueReader reader)) return false;
        message = new Join(reader.ReadText(), ChannelHomeSerializer.ReadInfo(ref reader), reader.ReadBool());
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Leave message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.Leave);
        writer.WriteText(message.Channel);
        writer.WriteText(message.Client);
        writer.WriteBool(message.IsReported);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Leave message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.Leave, out ValueReader reader)) return false;
        message = new Leave(reader.ReadText(), reader.ReadText(), reader.ReadBool());
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Announce message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.Announce);
        writer.WriteText(message.Channel);
        ChannelHomeSerializer.WriteInfo(ref writer, message.Change.Member);
        writer.WriteBool(message.Change.HasJoined);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Announce message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.Announce, out ValueReader reader)) return false;
        message = new Announce(reader.ReadText(), new PresenceChange(ChannelHomeSerializer.ReadInfo(ref reader), reader.ReadBool()));
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in ReadPresence message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.ReadPresence);
        writer.WriteText(message.Channel);
        writer.WriteUInt64(message.Request);
        writer.WriteBool(message.CountsOnly);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out ReadPresence message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.ReadPresence, out ValueReader reader)) return false;
        message = new ReadPresence(reader.ReadText(), reader.ReadUInt64(), reader.ReadBool());
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in PresenceRead message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.PresenceRead);
        writer.WriteUInt64(message.Request);
        ChannelHomeSerializer.WriteError(ref writer, message.Error);
        writer.WriteUInt32((uint)message.Counts.Clients);
        writer.WriteUInt32((uint)message.Counts.Users);
        writer.WriteBool(message.Members is not null);
        if (message.Members is not { } members) return ChannelHomeSerializer.End(writer);
        writer.WriteUInt32((uint)members.Count);
        foreach (ClientInfo member in members) ChannelHomeSerializer.WriteInfo(ref writer, member);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out PresenceRead message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.PresenceRead, out ValueReader reader)) return false;
        ulong request = reader.ReadUInt64();
        HubError? error = ChannelHomeSerializer.ReadError(ref reader);
        var counts = new PresenceCounts(reader.ReadCount(), reader.ReadCount());
        List<ClientInfo>? members = null;
        if (reader.ReadBool())
        {
            members = [];
            for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--) members.Add(ChannelHomeSerializer.ReadInfo(ref reader));
        }

        message = new PresenceRead(request, counts, members, error);
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Present message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.Present);
        writer.WriteText(message.Channel);
        WritePresent(ref writer, message.Members);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Present message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.Present, out ValueReader reader)) return false;
        message = new Present(reader.ReadText(), ReadPresent(ref reader));
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Digest message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.Digest);
        writer.WriteUInt32((uint)message.Value.Channels);
        writer.WriteUInt64(message.Value.ChannelsHash);
        writer.WriteUInt32((uint)message.Value.Members);
        writer.WriteUInt64(message.Value.MembersHash);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Digest message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.Digest, out ValueReader reader)) return false;
        message = new Digest(new InterestDigest(reader.ReadCount(), reader.ReadUInt64(), reader.ReadCount(), reader.ReadUInt64()));
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in ListWanted message) => ChannelHomeSerializer.End(ChannelHomeSerializer.Begin((byte)Kind.ListWanted));

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in Listens message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.Listens);
        writer.WriteUInt32((uint)message.Channels.Count);
        foreach (Present channel in message.Channels)
        {
            writer.WriteText(channel.Channel);
            WritePresent(ref writer, channel.Members);
        }

        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Listens message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.Listens, out ValueReader reader)) return false;
        List<Present> channels = [];
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--)
            channels.Add(new Present(reader.ReadText(), ReadPresent(ref reader)));
        message = new Listens(channels);
        return reader.IsGood;
    }

    /// <summary>Writes a message.</summary>
    public static byte[] Write(in NotAttached message)
    {
        ValueWriter writer = ChannelHomeSerializer.Begin((byte)Kind.NotAttached);
        writer.WriteUInt32((uint)message.Channels.Count);
        foreach (string channel in message.Channels) writer.WriteText(channel);
        return ChannelHomeSerializer.End(writer);
    }

    /// <summary>Reads a message.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out NotAttached message)
    {
        message = default;
        if (!ChannelHomeSerializer.TryBegin(bytes, (byte)Kind.NotAttached, out ValueReader reader)) return false;
        List<string> channels = [];
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--) channels.Add(reader.ReadText());
        message = new NotAttached(channels);
        return reader.IsGood;
    }

    internal static void WritePresent(ref ValueWriter writer, IReadOnlyCollection<PresentClient> members)
    {
        writer.WriteUInt32((uint)members.Count);
        foreach (PresentClient each in members)
        {
            ChannelHomeSerializer.WriteInfo(ref writer, each.Member);
            writer.WriteBool(each.IsReported);
        }
    }

    internal static List<PresentClient> ReadPresent(ref ValueReader reader)
    {
        List<PresentClient> members = [];
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--)
            members.Add(new PresentClient(ChannelHomeSerializer.ReadInfo(ref reader), reader.ReadBool()));
        return members;
    }
}
