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
            Info = new ClientInfo("42", "client", "{}"u8.ToArray(), "[1]"u8.ToArray()),
            Tags = new PublicationTags([KeyValuePair.Create("ticker", "BTC"), KeyValuePair.Create("é", "€")]),
            TimeMilliseconds = 1_700_000_000_000,
            Version = 9,
            Key = "k",
        };

        Publication read = PublicationRecord.Decode(PublicationRecord.Encode(publication), offset: 7)!;

        Assert.Equal(publication.Data.ToArray(), read.Data.ToArray());
        Assert.Equal(publication.Tags.All, read.Tags!.All);
        Assert.Equal(publication with { Data = default, Tags = null }, read with { Data = default, Tags = null });
    }

    [Fact]
    public void A_bare_publication_costs_one_byte_more_than_its_data()
    {
        byte[] record = PublicationRecord.Encode(new Publication { Data = new byte[100] });

        Assert.Equal(101, record.Length);
        Assert.Equal(100, PublicationRecord.Decode(record, 1)!.Data.Length);
    }

    [Fact]
    public void No_cut_of_a_record_is_taken_for_one_with_its_parts()
    {
        byte[] record = PublicationRecord.Encode(new Publication { Info = new ClientInfo("42", "client"), Version = 1, Key = "k" });

        for (int length = 0; length < record.Length; length++) Assert.Null(PublicationRecord.Decode(record.AsMemory(0, length), 1));
        Assert.Null(PublicationRecord.Decode(new byte[] { 0x80 }, 1));
        Assert.Null(PublicationRecord.Decode(new byte[] { 32, 255, 255, 255, 127 }, 1));
    }

    [Fact]
    public void An_epoch_survives_its_text_and_nothing_else_is_one()
    {
        ulong epoch = StreamEpoch.Next();

        Assert.Equal(epoch, StreamEpoch.Read(System.Text.Encoding.ASCII.GetBytes(StreamEpoch.ToText(epoch))));
        Assert.Equal(StreamEpoch.None, StreamEpoch.Read(""u8));
        foreach (string foreign in (string[])["_", "xyz", "ABC", "0", "0a", "12345678901234567", "a b"])
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
