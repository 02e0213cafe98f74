using Broker.Actors.Channels.Home;
using Broker.Actors.Model;
using Broker.Core.Protocol.Transfers;
using Xunit;
using static Broker.Actors.Channels.Home.ChannelHomeProtocol;

namespace Broker.Tests.Routing;

/// <summary>What a home and a relay tell each other is the same behind a link between nodes.</summary>
public class ChannelHomeSerializerTests
{
    private static readonly Publication s_full = new()
    {
        Data = "{}"u8.ToArray(),
        IsJson = true,
        Offset = ulong.MaxValue,
        TimeMilliseconds = 1_700_000_000_000,
        Info = new ClientInfo("ü", "client") { ConnectionInfo = "1"u8.ToArray(), ChannelInfo = "2"u8.ToArray() },
        Extras = new PublicationExtras
        {
            Tags = [new("a", "b"), new("", "")],
            Headers = [new("h", "v")],
            EventName = "event",
            ContentType = "text/plain",
            Version = 7,
        },
    };

    private static readonly PublishOptions s_options = new()
    {
        IdempotencyKey = "key",
        Version = 3,
        VersionEpoch = "e",
        UsesDelta = true,
        SkipsHistory = true,
        ExceptClient = "c",
    };

    [Fact]
    public void Requests_of_a_relay_survive_their_bytes()
    {
        var attach = new Attach("комната", 5) { After = new StreamPosition(1, 2), Limit = 300 };
        Assert.True(ChannelHomeSerializer.TryRead(ChannelHomeSerializer.Write(attach), out Attach attachRead));
        Assert.Equal(attach, attachRead);

        var plain = new Attach("c", 6);
        Assert.True(ChannelHomeSerializer.TryRead(ChannelHomeSerializer.Write(plain), out Attach plainRead));
        Assert.Equal(plain, plainRead);

        Assert.True(ChannelHomeSerializer.TryRead(ChannelHomeSerializer.Write(new Detach("c")), out Detach detach));
        Assert.Equal(new Detach("c"), detach);

        Assert.True(ChannelHomeSerializer.TryRead(
            ChannelHomeSerializer.Write(new Publish("c", 7, s_full, s_options)), out Publish publish));
        Assert.Equal(("c", 7ul, s_options), (publish.Channel, publish.Request, publish.Options));
        AssertSame(s_full, publish.Publication);
    }

    [Fact]
    public void Answers_of_a_home_survive_their_bytes()
    {
        var attached =
            new Attached(8, new StreamPosition(ulong.MaxValue, 9)) { Recovered = true, Recoverable = true, Missed = [s_full, default] };
        Assert.True(ChannelHomeSerializer.TryRead(ChannelHomeSerializer.Write(attached), out Attached attachedRead));
        Assert.Equal(attached with { Missed = null }, attachedRead with { Missed = null });
        Assert.Equal(2, attachedRead.Missed!.Count);
        AssertSame(s_full, attachedRead.Missed[0]);

        foreach (HubError? error in (HubError?[])[null, HubError.UnrecoverablePosition, HubError.Application(1234, "own", temporary: true)])
        {
            var published = new Published(9, new StreamPosition(1, 2), Receivers: 3) { Error = error };
            Assert.True(ChannelHomeSerializer.TryRead(ChannelHomeSerializer.Write(published), out Published publishedRead));
            Assert.Equal(published, publishedRead);
        }

        var deliver = new Deliver("c", new StreamPosition(1, 2), s_full, "c");
        Assert.True(ChannelHomeSerializer.TryRead(ChannelHomeSerializer.Write(deliver), out Deliver deliverRead));
        Assert.Equal(
            (deliver.Channel, deliver.Position, deliver.ExceptClient),
                (deliverRead.Channel, deliverRead.Position, deliverRead.ExceptClient));
        AssertSame(s_full, deliverRead.Publication);
    }

    [Fact]
    public void Long_data_travels_as_a_copy()
    {
        var data = new LongBytes([new byte[] { 1, 2 }, new byte[] { 3 }], owner: null);

        byte[] bytes = ChannelHomeSerializer.Write(new Publish("c", 1, new Publication { LongData = data }, PublishOptions.None));

        Assert.True(ChannelHomeSerializer.TryRead(bytes, out Publish read));
        Assert.Equal([1, 2, 3], read.Publication.Data.ToArray());
    }

    [Fact]
    public void Bytes_that_are_cut_or_of_another_kind_are_no_message()
    {
        byte[] bytes = ChannelHomeSerializer.Write(new Publish("c", 7, s_full, s_options));

        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] cut = bytes[..length];
            if (length >= 6) BitConverter.TryWriteBytes(cut.AsSpan(2), length - 6);     // Even where the length agrees.
            Assert.False(ChannelHomeSerializer.TryRead(cut, out Publish _));
        }

        Assert.False(ChannelHomeSerializer.TryRead(bytes, out Deliver _));
    }

    [Fact]
    public void Fields_that_a_newer_version_adds_are_passed_over()
    {
        byte[] bytes = [.. ChannelHomeSerializer.Write(new Detach("c")), 1, 2, 3];
        bytes[0] = 2;
        BitConverter.TryWriteBytes(bytes.AsSpan(2), bytes.Length - 6);

        Assert.True(ChannelHomeSerializer.TryRead(bytes, out Detach detach));
        Assert.Equal("c", detach.Channel);
    }

    private static void AssertSame(Publication expected, Publication read)
    {
        Assert.Equal(expected.Data.ToArray(), read.Data.ToArray());
        Assert.Equal(
            (expected.IsJson, expected.Offset, expected.TimeMilliseconds, expected.Info),
                (read.IsJson, read.Offset, read.TimeMilliseconds, read.Info));
        Assert.Equal(expected.Extras!.Tags, read.Extras!.Tags);
        Assert.Equal(expected.Extras.Headers, read.Extras.Headers);
        Assert.Equal(
            (expected.Extras.EventName, expected.Extras.ContentType, expected.Extras.Version),
                (read.Extras.EventName, read.Extras.ContentType, read.Extras.Version));
    }
}
