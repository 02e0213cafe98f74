using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;
using static Broker.Actors.Channels.Home.NodeProtocol;

namespace Broker.Tests.Channels;

/// <summary>What nodes tell each other of channels is the same behind a lane.</summary>
public sealed class NodeSerializerTests
{
    private static readonly ClientInfo s_member = new("ü", "client") { ConnectionInfo = "1"u8.ToArray(), ChannelInfo = "2"u8.ToArray() };

    [Fact]
    public void Questions_about_histories_survive_their_bytes()
    {
        foreach (HistoryQuery query in (HistoryQuery[])[
            HistoryQuery.PositionOnly, HistoryQuery.All, new(new StreamPosition(3, 4), 7, Reverse: true)])
        {
            var read = new ReadHistory("комната", 5, query);
            Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(read), out ReadHistory found));
            Assert.Equal(read, found);
        }

        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new RemoveHistory("c", 6)), out RemoveHistory remove));
        Assert.Equal(new RemoveHistory("c", 6), remove);
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new HistoryRemoved(6, HubError.NotAvailable)), out HistoryRemoved removed));
        Assert.Equal(new HistoryRemoved(6, HubError.NotAvailable), removed);
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new NotHome(9)), out NotHome elsewhere));
        Assert.Equal(new NotHome(9), elsewhere);
    }

    [Fact]
    public void A_page_of_a_history_survives_its_bytes()
    {
        var page = new HistoryPage(
            new StreamPosition(8, 2),
                [new Publication { Data = "{}"u8.ToArray(), IsJson = true, Offset = 1 },
                    new Publication { Data = "x"u8.ToArray(), Offset = 2, Info = s_member }]) { IsForeignEpoch = true };
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new HistoryRead(3, page, null)), out HistoryRead read));
        Assert.Equal((3ul, page.Top, true, null), (read.Request, read.Page!.Top, read.Page.IsForeignEpoch, read.Error));
        Assert.Equal(["{}", "x"], read.Page.Publications.Select(static each => System.Text.Encoding.UTF8.GetString(each.Data.Span)));
        Assert.Equal(s_member, read.Page.Publications[1].Info);
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new HistoryRead(3, null, HubError.BadRequest)), out read));
        Assert.Equal(new HistoryRead(3, null, HubError.BadRequest), read);
    }

    [Fact]
    public void Presence_messages_survive_their_bytes()
    {
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new Join("c", s_member, IsReported: true)), out Join join));
        Assert.Equal(new Join("c", s_member, IsReported: true), join);
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new Leave("c", "client", IsReported: false)), out Leave leave));
        Assert.Equal(new Leave("c", "client", IsReported: false), leave);
        var announce = new Announce("c", new PresenceChange(s_member, HasJoined: true));
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(announce), out Announce announced));
        Assert.Equal(announce, announced);
        Assert.True(NodeSerializer.TryRead(NodeSerializer.Write(new ReadPresence("c", 4, CountsOnly: true)), out ReadPresence read));
        Assert.Equal(new ReadPresence("c", 4, CountsOnly: true), read);
        Assert.True(NodeSerializer.TryRead(
            NodeSerializer.Write(new PresenceRead(4, new PresenceCounts(2, 1), [s_member], null)), out PresenceRead answer));
        Assert.Equal((4ul, new PresenceCounts(2, 1), null), (answer.Request, answer.Counts, answer.Error));
        Assert.Equal([s_member], answer.Members!);
    }

    [Fact]
    public void Bytes_that_are_cut_or_changed_are_never_taken_for_a_message_and_never_throw()
    {
        byte[][] messages =
        [
            NodeSerializer.Write(new ReadHistory("channel", 5, HistoryQuery.All)),
                NodeSerializer.Write(new Join("channel", s_member, IsReported: true)),
            NodeSerializer.Write(new PresenceRead(4, new PresenceCounts(2, 1), [s_member], null)),
                ChannelHomeSerializer.Write(new ChannelHomeProtocol.Attach("channel", 7)),
        ];
        var random = new Random(5);
        foreach (byte[] message in messages)
        {
            for (int length = 0; length < message.Length; length++) Assert.False(ReadAny(message.AsSpan(0, length)));
            for (int round = 0; round < 5000; round++)
            {
                byte[] changed = (byte[])message.Clone();
                for (int i = random.Next(1, 4); i > 0; i--) changed[random.Next(changed.Length)] = (byte)random.Next(256);
                _ = ReadAny(changed);
            }
        }
    }

    private static bool ReadAny(ReadOnlySpan<byte> bytes) =>
        NodeSerializer.TryRead(bytes, out ReadHistory _) | NodeSerializer.TryRead(bytes, out HistoryRead _) | NodeSerializer.TryRead(
            bytes, out Join _) | NodeSerializer.TryRead(bytes, out Leave _)
        | NodeSerializer.TryRead(bytes, out Announce _) | NodeSerializer.TryRead(bytes, out ReadPresence _) | NodeSerializer.TryRead(
        bytes, out PresenceRead _) | NodeSerializer.TryRead(bytes, out NotHome _)
        | ChannelHomeSerializer.TryRead(bytes, out ChannelHomeProtocol.Attach _) | ChannelHomeSerializer.TryRead(
        bytes, out ChannelHomeProtocol.Publish _) | NodeSerializer.TryReadTarget(bytes, out _, out _);
}
