using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Xunit;

namespace Broker.Tests.Protocol.Transfers;

/// <summary>What a refusal says: the rule, and what came beside what was expected or may be.</summary>
public sealed class ChunkRefusalTests
{
    // Two streams of at most 250 bytes in chunks of 100, three of them before the first credit; a buffer has 256 bytes.
    private static readonly ChunkLimits s_limits = new()
    {
        ChunkBytesMax = 100,
        ChunksMax = 20,
        StreamBytesMax = 250,
        StreamsMax = 2,
        WindowChunks = 3,
        ReorderChunksMax = 2,
        ConnectionBytesMax = 1200,
    };

    private static readonly Dictionary<ChunkError, (string Numbers, Action<ChunkTable> Steps)> s_cases = new()
    {
        [ChunkError.ZeroTotalChunks] = ("a stream of 0 chunks, and one has at least 1", table => Add(table, 0, 0)),
        [ChunkError.TotalChunksTooLarge] = ("a stream of 21 chunks, and one has at most 20", table => Add(table, 0, 21)),
        [ChunkError.IndexOutOfRange] = ("index 3 in a stream of 3 chunks", table => Add(table, 3, 3)),
        [ChunkError.Expired] = ("the stream took too long, and is over", table => Add(table, seconds: 60, total: 2, indices: [0, 1])),
        [ChunkError.TooManyStreams] = ("2 streams are incomplete, and at most 2 may be", table =>
        {
            for (uint stream = 0; stream < 3; stream++) Add(table, 0, 2, stream: stream);
        }),
        [ChunkError.Finished] = ("a stream of that number was complete", table => Add(table, total: 1, indices: [0, 0])),
        [ChunkError.TotalChunksMismatch] = ("a total of 5 chunks in a stream of 4", table =>
        {
            Add(table, 0, 4);
            Add(table, 1, 5);
        }),
        [ChunkError.DuplicateChunk] =
            ("index 1 came before, as one of the 2 received of 4 chunks", table => Add(table, total: 4, indices: [1, 3, 1])),
        [ChunkError.Cancelled] = ("a stream of that number was cancelled, dropped or refused", table =>
        {
            table.Cancel(0);
            Add(table, 0, 2);
        }),
        [ChunkError.ChunkTooBig] = ("a chunk of 101 bytes, and one has at most 100", table => Add(table, 0, 2, bytes: 101)),
        [ChunkError.StreamTooBig] =
            ("a stream of 300 bytes, and one has at most 250", table => Add(table, total: 9, bytes: 100, indices: [0, 1, 2])),
        [ChunkError.ConnectionFull] = ("256 more bytes with 1024 that streams of the connection hold, at most 1200", table =>
        {
            Add(table, total: 9, indices: [0, 1, 2]);
            Add(table, total: 9, indices: [0, 1], stream: 1);
        }),
        [ChunkError.ProcessFull] =
            ("256 more bytes with 768 that streams of all connections hold, at most 1000",
                table => Add(table, total: 9, indices: [0, 1, 2, 3])),
        [ChunkError.MoreThanAnnounced] = ("received 20 bytes, and the header announced 15", table =>
        {
            Open(table, 15);
            Add(table, total: 9, indices: [0, 1]);
        }),
        [ChunkError.LessThanAnnounced] = ("received 20 bytes in all 2 chunks, and the header announced 25", table =>
        {
            Open(table, 25);
            Add(table, total: 2, indices: [0, 1]);
        }),
        [ChunkError.BeyondWindow] = ("index 4 while 1 is awaited, at most 2 ahead of it", table =>
        {
            Open(table, 90, new Deaf());
            Add(table, total: 9, indices: [0, 4]);
        }),
        [ChunkError.NoCredit] = ("received 4 chunks, with credit for 3", table =>
        {
            Open(table, 90, new Deaf());
            Add(table, total: 9, indices: [0, 1, 2, 3]);
        }),
        [ChunkError.HeaderTwice] = ("the stream has begun, with 1 chunks received", table =>
        {
            Open(table, 90);
            Add(table, 0, 9);
            Open(table, 90);
        }),
        [ChunkError.UnknownReference] =
            ("no stream is awaited for call 7", table => table.Reject(new StreamHeader { Reference = 7, Bytes = 10 }, default)),
    };

    public static TheoryData<ChunkError> Cases => [.. s_cases.Keys];

    [Theory, MemberData(nameof(Cases))]
    public void A_refusal_names_its_rule_and_its_numbers(ChunkError error)
    {
        (string numbers, Action<ChunkTable> steps) = s_cases[error];
        var table = new ChunkTable(
            error == ChunkError.ProcessFull ? s_limits with { WindowChunks = 9 } : s_limits,
                new ChunkBudget(error == ChunkError.ProcessFull ? 1000 : 9000), new BufferPool());

        steps(table);

        Assert.Equal((error, $"{error}: {numbers}"), (table.Refusal.Error, table.Refusal.Text));
    }

    [Fact]
    public void Every_refusal_of_a_table_is_among_them() =>
        Assert.Equal(Enum.GetValues<ChunkError>().Except([ChunkError.None, ChunkError.NotAMessage]).Order(), s_cases.Keys.Order());

    [Fact]
    public void A_stream_that_is_no_message_is_named_with_its_length() =>
        Assert.Equal(
            "NotAMessage: a stream of 5 bytes that is not one message which may come this way",
                new ChunkRefusal(ChunkError.NotAMessage, 5).Text);

    [Theory]
    [InlineData(-1, 60, "Expired: no chunk came for 60 s, received 2 of 9 chunks and 20 bytes")]
    [InlineData(90, 60, "Expired: no chunk came for 60 s, received 2 of 9 chunks and 20 of 90 bytes")]
    [InlineData(90, 10, "Expired: it was under way for 10 s, received 2 of 9 chunks and 20 of 90 bytes")]
    public void A_stream_that_expires_is_named_with_what_it_lacks(int announced, int lifeSeconds, string text)
    {
        var table = new ChunkTable(
            s_limits with { LifeLimit = TimeSpan.FromSeconds(lifeSeconds) }, new ChunkBudget(9000), new BufferPool());
        if (announced >= 0) Open(table, (ulong)announced);
        Add(table, total: 9, indices: [0, 1]);

        Assert.True(table.TryExpire(TimeSpan.FromSeconds(lifeSeconds), out StreamExpiry expired));

        Assert.Equal(text, expired.Text);
    }

    private static void Open(ChunkTable table, ulong bytes, IChunkSink? sink = null) =>
        table.Open(new StreamHeader { Bytes = bytes }, default, sink);

    private static void Add(ChunkTable table, uint index, uint total, int bytes = 10, uint stream = 0) =>
        Add(table, [index], total, bytes, stream);

    // Each so many seconds after the one before.
    private static void Add(ChunkTable table, uint[] indices, uint total, int bytes = 10, uint stream = 0, int seconds = 0)
    {
        for (int i = 0; i < indices.Length; i++)
        {
            table.Add(new Chunk { Stream = stream, Index = indices[i], Total = total, Data = new byte[bytes] },
                TimeSpan.FromSeconds(i * seconds), out ChunkArrival arrival);
            arrival.Payload?.Dispose();
        }
    }

    private sealed class Deaf : IChunkSink
    {
        public void OnBytes(ReadOnlySpan<byte> bytes)
        {
        }
    }
}
