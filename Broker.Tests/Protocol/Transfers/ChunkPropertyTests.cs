using System.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Tests.Support;
using CsCheck;

namespace Broker.Tests.Protocol.Transfers;

public sealed class ChunkPropertyTests
{
    private static readonly ChunkLimits s_limits =
        new() { ChunkBytesMax = 64, StreamBytesMax = 4096, ChunksMax = 64, StreamsMax = 8, WindowChunks = 64, ReorderChunksMax = 64 };

    [Fact]
    public void Interleaved_streams_in_any_order_come_out_as_they_went_in() =>
        Gen.Select(Gen.Int[0, 600].Array[1, 8], Gen.Int, Gen.Bool).Sample((sizes, seed, withSink) =>
        {
            var pool = new CountingPool();
            var budget = new ChunkBudget(1 << 20);
            var table = new ChunkTable(s_limits, budget, pool);
            byte[][] payloads = [.. sizes.Select(Wire.Pattern)];
            List<(int Stream, byte[] Bytes)> chunks = [];
            List<byte>[] seen = new List<byte>[payloads.Length];
            for (int i = 0; i < payloads.Length; i++)
            {
                chunks.AddRange(Cut(payloads[i], i));
                seen[i] = [];
                if (withSink) table.Open(new StreamHeader { Stream = (uint)i, Bytes = (ulong)sizes[i] }, default, new Sink(seen[i]));
            }

            // In any order, and every third one twice.
            new Random(seed).Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chunks));
            int complete = 0;
            for (int i = 0; i < chunks.Count; i++)
            {
                var reader = new NativeReader(chunks[i].Bytes, Side.Server, batched: true);
                reader.Read(out NativeMessage message);
                Assert.Equal(ChunkError.None, table.Add(message.As<Chunk>(), default, out ChunkArrival arrival));
                if (arrival.IsComplete) complete++;
                if (arrival.Payload is { } payload)
                {
                    seen[chunks[i].Stream].AddRange(payload.AsSequence().ToArray());
                    Assert.Equal(payload.ToArray(), payload.AsSequence().ToArray());
                    payload.Dispose();
                }

                if (i % 3 != 0) continue;
                ChunkError again = table.Add(message.As<Chunk>(), default, out _);
                Assert.Equal(arrival.IsComplete ? ChunkError.Finished : ChunkError.DuplicateChunk, again);
            }

            Assert.Equal(payloads.Length, complete);
            for (int i = 0; i < payloads.Length; i++) Assert.Equal(payloads[i], seen[i].ToArray());
            Assert.Equal((0, 0L, 0L, 0), (table.Streams, table.HeldBytes, budget.Bytes, pool.Outstanding));
        }, iter: 2000);

    [Fact]
    public void Whatever_comes_memory_stays_within_the_budget_and_comes_back() =>
        Gen.Select(Gen.UInt[0, 12], Gen.UInt[0, 5], Gen.UInt[0, 5], Gen.Int[0, 80], Gen.Int[0, 9]).Array[0, 200].Sample(steps =>
        {
            var pool = new CountingPool();
            var budget = new ChunkBudget(2048);
            var table = new ChunkTable(s_limits with { ConnectionBytesMax = 1536, WindowChunks = 3, ReorderChunksMax = 2 }, budget, pool);
            TimeSpan now = default;
            foreach ((uint stream, uint index, uint total, int size, int kind) in steps)
            {
                switch (kind)
                {
                    case 0: table.Cancel(stream); break;
                    case 1: table.Open(new StreamHeader { Stream = stream, Bytes = (ulong)size * 2 }, now, new Sink([])); break;
                    case 2: table.Open(new StreamHeader { Stream = stream, Bytes = (ulong)size }, now); break;
                    case 3: now += TimeSpan.FromSeconds(size); break;
                    case 4: table.Grant(stream, index); while (table.TryGrant(now, out _, out _)) { } break;
                    default:
                        var chunk = new Chunk { Stream = stream, Index = index, Total = total, Data = new byte[size] };
                        table.Add(chunk, now, out ChunkArrival arrival);
                        arrival.Payload?.Dispose();
                        break;
                }

                Assert.InRange(table.HeldBytes + table.ReservedBytes, 0, 1536);
                Assert.Equal(table.HeldBytes + table.ReservedBytes, budget.Bytes);
                Assert.Equal(table.HeldBytes, pool.BytesOut);
                Assert.InRange(table.Streams, 0, 8);
            }

            table.Clear();
            Assert.Equal((0L, 0), (budget.Bytes, pool.Outstanding));
        }, iter: 2000);

    private static IEnumerable<(int Stream, byte[] Bytes)> Cut(byte[] payload, int stream)
    {
        uint total = (uint)s_limits.ChunksOf(payload.Length);
        for (uint i = 0; i < total; i++)
        {
            int from = (int)i * s_limits.ChunkBytesMax;
            ReadOnlySpan<byte> data = payload.AsSpan(from, Math.Min(s_limits.ChunkBytesMax, payload.Length - from));
            yield return (stream, NativeWriter.Message(new Chunk { Stream = (uint)stream, Index = i, Total = total, Data = data }));
        }
    }

    private sealed class Sink(List<byte> seen) : IChunkSink
    {
        public void OnBytes(ReadOnlySpan<byte> bytes) => seen.AddRange(bytes);
    }
}
