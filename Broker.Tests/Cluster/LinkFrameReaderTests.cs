using System.Text;
using Broker.Cluster.Links;

namespace Broker.Tests.Cluster;

public sealed class LinkFrameReaderTests
{
    private sealed class Sink : ILinkFrameSink
    {
        public List<(byte Kind, byte[] Payload)> Frames { get; } = [];

        public bool OnFrame(byte kind, ReadOnlySpan<byte> payload)
        {
            Frames.Add((kind, payload.ToArray()));
            return true;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Frames_are_the_same_however_the_bytes_are_split(int piece)
    {
        byte[][] payloads = [[], [1], [.. Enumerable.Range(0, 100).Select(static i => (byte)i)], [9, 9, 9]];
        byte[] all = [.. payloads.SelectMany(static (payload, i) => LinkFrames.Make((LinkFrameKind)(i + 1), payload))];
        var reader = new LinkFrameReader();
        var sink = new Sink();
        for (int at = 0; at < all.Length; at += piece) Assert.Null(reader.Read(all.AsSpan(at, Math.Min(piece, all.Length - at)), sink));
        Assert.Equal(payloads.Length, sink.Frames.Count);
        for (int i = 0; i < payloads.Length; i++)
        {
            Assert.Equal(i + 1, sink.Frames[i].Kind);
            Assert.Equal(payloads[i], sink.Frames[i].Payload);
        }

        Assert.Equal(0, reader.KeptBytes);
    }

    [Fact]
    public void A_length_over_the_bound_is_refused_before_anything_is_kept()
    {
        var reader = new LinkFrameReader { FrameBytesMax = 100 };
        Assert.Null(reader.Read(LinkFrames.Make(LinkFrameKind.Hello, new byte[99]), new Sink()));
        Assert.Contains(
            "between 1 and 100", reader.Read(LinkFrames.Make(LinkFrameKind.Hello, new byte[100]), new Sink()), StringComparison.Ordinal);
        Assert.Equal(0, reader.KeptBytes);
        Assert.Contains("a frame of 0 bytes", new LinkFrameReader().Read(new byte[4], new Sink()), StringComparison.Ordinal);
    }

    [Fact]
    public void Http_is_no_frame()
    {
        Assert.NotNull(new LinkFrameReader().Read(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: here\r\n\r\n"), new Sink()));
    }
}
