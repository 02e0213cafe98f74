using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Transfers;

namespace Broker.Fuzz;

/// <summary>
/// The streams of two connections that share one budget. Each five bytes are a step: a header, a chunk, a cancel, or time that
/// passes. Whatever comes, memory stays within its bounds, all is counted once, and everything comes back at the end.
/// </summary>
public static class StreamTarget
{
    private const int StepBytes = 5;
    private const int ProcessBytesMax = 8192;
    private const int ConnectionBytesMax = 4096;

    private static readonly ChunkLimits s_limits = new()
    {
        ChunkBytesMax = 600,
        StreamBytesMax = 3000,
        ChunksMax = 16,
        StreamsMax = 4,
        ConnectionBytesMax = ConnectionBytesMax,
        WindowChunks = 2,
        ReorderChunksMax = 3,
    };

    /// <summary>Runs one input.</summary>
    public static void Run(byte[] input)
    {
        var pool = new BufferPool();
        var budget = new ChunkBudget(ProcessBytesMax);
        ChunkTable[] tables = [new(s_limits, budget, pool), new(s_limits, budget, pool)];
        var payloads = new Queue<ChunkedPayload>();
        var now = TimeSpan.FromSeconds(1);
        for (int at = 0; at + StepBytes <= input.Length; at += StepBytes)
        {
            Step(tables[input[at] & 1], input.AsSpan(at, StepBytes), payloads, ref now);
            foreach (ChunkTable table in tables) Check(table);
            FindingException.Unless(budget.Bytes is >= 0 and <= ProcessBytesMax, $"The budget holds {budget.Bytes} bytes.");
        }

        foreach (ChunkTable table in tables) table.Clear();
        foreach (ChunkedPayload payload in payloads) payload.Dispose();
        FindingException.Unless(
            budget.Bytes == 0 && pool.Outstanding == 0, $"{budget.Bytes} bytes and {pool.Outstanding} buffers did not come back.");
    }

    private static void Step(ChunkTable table, ReadOnlySpan<byte> step, Queue<ChunkedPayload> payloads, ref TimeSpan now)
    {
        uint stream = step[1];
        switch ((step[0] >> 1) & 7)
        {
            case 0: table.Cancel(stream); break;
            case 1: now += TimeSpan.FromMilliseconds(step[1] * 400); break;
            case 2: table.Open(new StreamHeader { Stream = stream, Bytes = (ulong)(step[2] * 16) }, now); break;
            case 3: table.Open(new StreamHeader { Stream = stream, Bytes = (ulong)(step[2] * 16) }, now, new Sink()); break;
            case 4 when payloads.TryDequeue(out ChunkedPayload? payload): payload.Dispose(); break;
            default:
                var chunk = new Chunk { Stream = stream, Index = step[2] & 15u, Total = step[3] & 31u, Data = new byte[step[4] * 3] };
                table.Add(chunk, now, out ChunkArrival arrival);
                if (arrival.Payload is { } whole) payloads.Enqueue(whole);
                break;
        }

        while (table.TryExpire(now, out _))
        {
        }

        while (table.TryGrant(now, out _, out uint credit)) FindingException.Unless(credit > 0, "Credit of nothing was given.");
    }

    private static void Check(ChunkTable table)
    {
        FindingException.Unless(table.HeldBytes >= 0 && table.ReservedBytes >= 0, "Less than nothing is held.");
        FindingException.Unless(
            table.HeldBytes + table.ReservedBytes <= ConnectionBytesMax,
                $"A connection holds {table.HeldBytes} and {table.ReservedBytes} bytes.");
        FindingException.Unless(table.Streams <= s_limits.StreamsMax, $"{table.Streams} streams are incomplete.");
    }

    private sealed class Sink : IChunkSink
    {
        public void OnBytes(ReadOnlySpan<byte> bytes)
        {
        }
    }
}
