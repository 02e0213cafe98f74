using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Channels;

public sealed class ModelTests
{
    [Fact]
    public void A_publication_survives_its_record()
    {
        var publication = new Publication
        {
            Data = "{\"a\":1}"u8.ToArray(),
            IsJson = true,
            Offset = 7,
            Info = new ClientInfo("42", "client") { ConnectionInfo = "{}"u8.ToArray(), ChannelInfo = "[1]"u8.ToArray() },
            TimeMilliseconds = 1_700_000_000_000,
            Extras = new PublicationExtras
            {
                Tags = [KeyValuePair.Create("ticker", "BTC"), KeyValuePair.Create("é", "€")],
                Headers = [KeyValuePair.Create("h", "1")],
                EventName = "tick",
                ContentType = "application/json",
                Version = 9,
                Key = "k",
            },
        };

        Assert.True(PublicationRecord.TryDecode(PublicationRecord.Encode(publication), offset: 7, out Publication read));

        Assert.Equal(publication.Data.ToArray(), read.Data.ToArray());
        Assert.Equal(publication.Extras.Tags, read.Extras!.Tags);
        Assert.Equal(publication.Extras.Headers, read.Extras!.Headers);
        Assert.Equal(publication.Extras with { Tags = [], Headers = [] }, read.Extras with { Tags = [], Headers = [] });
        Assert.Equal(publication with { Data = default, Extras = null }, read with { Data = default, Extras = null });
    }

    [Fact]
    public void A_bare_publication_costs_two_bytes_more_than_its_data()
    {
        byte[] record = PublicationRecord.Encode(new Publication { Data = new byte[100] });

        Assert.Equal(102, record.Length);
        Assert.True(PublicationRecord.TryDecode(record, 1, out Publication read));
        Assert.Equal(100, read.Data.Length);
    }

    [Fact]
    public void No_truncated_record_reads_as_a_whole_one()
    {
        byte[] record =
            PublicationRecord.Encode(
                new Publication { Info = new ClientInfo("42", "client"), Extras = new PublicationExtras { Version = 1, EventName = "e" } });

        for (int length = 0; length < record.Length; length++)
            Assert.False(PublicationRecord.TryDecode(record.AsMemory(0, length), 1, out _));
        Assert.False(PublicationRecord.TryDecode(new byte[] { 0, 2 }, 1, out _));
        Assert.False(PublicationRecord.TryDecode(new byte[] { 16, 0, 255, 255, 255, 127 }, 1, out _));
    }

    [Fact]
    public void An_epoch_survives_its_text_and_nothing_else_is_one()
    {
        ulong epoch = StreamEpoch.Next();

        Assert.Equal(epoch, StreamEpoch.Read(System.Text.Encoding.ASCII.GetBytes(StreamEpoch.ToText(epoch))));
        Assert.Equal(StreamEpoch.None, StreamEpoch.Read(""u8));
        foreach (string foreign in (string[])["_", "xyz", "1", "12345678901234567", "1234567890ABCDEF", "123456789abcdefg"])
            Assert.Equal(StreamEpoch.Foreign, StreamEpoch.Read(System.Text.Encoding.ASCII.GetBytes(foreign)));
    }

    [Fact]
    public void Keys_are_remembered_for_their_time_and_up_to_their_number()
    {
        var time = new FakeTimeProvider();
        var table = new IdempotencyTable<int>(time, keysMax: 2);
        table.Add("a", "k", 1, TimeSpan.FromMinutes(1));
        table.Add("b", "k", 2, TimeSpan.FromMinutes(1));
        Assert.True(table.TryGet("a", "k", out int answer));
        Assert.Equal(1, answer);

        table.Add("c", "k", 3, TimeSpan.FromMinutes(1));
        Assert.False(table.TryGet("a", "k", out _));

        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(table.TryGet("b", "k", out _));
        Assert.False(table.Sweep(10));
        Assert.Equal(0, table.Count);
    }
}
