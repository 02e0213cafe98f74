using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Client;

/// <summary>The streams that the hub sends: messages too long for a frame, and results of calls.</summary>
/// <param name="state">Of the connection.</param>
/// <param name="sender">Takes credits and refusals.</param>
/// <param name="calls">What streams may be results of.</param>
/// <param name="channels">What streams may be deliveries of.</param>
/// <param name="take">Takes a message; returns what is wrong with it.</param>
internal sealed class Downloads(
    ConnectionState state, FrameSender sender, OutboundCalls calls, ChannelRequests channels, Func<NativeMessage, NativeFault> take)
{
    private const int JoinedBytesMax = 1024 * 1024;             // What is put together while the connection waits.

    private readonly Dictionary<uint, uint> _results = [];      // Streams that are results, and the calls that they are of.
    private readonly ChunkTable _table =
        new(LimitsOf(sender.Limits, state.Options), new ChunkBudget(state.Options.DownloadBytesMax), ProcessBuffers.Shared);

    /// <summary>When <see cref="Expire"/> has something to do.</summary>
    public TimeSpan? NextDeadline => _table.NextExpiry;

    /// <summary>A stream begins, if it is a message or the result of a call that is pending.</summary>
    public void OnStream(StreamHeader header)
    {
        bool isAwaited = header.Purpose switch
        {
            StreamPurpose.Message => true,
            StreamPurpose.Result => calls.IsPending(header.Reference),
            _ => false,     // The hub sends further arguments as items only.
        };
        ChunkError error = isAwaited ? _table.Open(header, state.Now) : _table.Reject(header, state.Now);
        if (error == ChunkError.None && header.Purpose == StreamPurpose.Result) _results[header.Stream] = header.Reference;
        if (error != ChunkError.None) Refuse(header.Stream, chunk: 0, _table.Refusal);
        if (isAwaited && error is not (ChunkError.None or ChunkError.HeaderTwice))
            Miss(header.Purpose, header.Reference, error, _table.Refusal.Text);
        Expire();
        state.TimersChanged();
    }

    /// <summary>A chunk has come. When it was the last of a message, that takes effect.</summary>
    public NativeFault OnChunk(Chunk chunk)
    {
        NativeFault fault = Add(chunk);
        Expire();       // It may have found others late before the timer did.
        return fault;
    }

    private NativeFault Add(Chunk chunk)
    {
        ChunkError error = _table.Add(chunk, state.Now, out ChunkArrival arrival);
        if (error != ChunkError.None)
        {
            Refuse(chunk.Stream, chunk.Index, _table.Refusal);
            if (!arrival.IsDropped) return NativeFault.None;
            _results.Remove(chunk.Stream);
            Miss(arrival.Purpose, arrival.Reference, error, _table.Refusal.Text);
            state.TimersChanged();
            return NativeFault.None;
        }

        if (arrival.Credit > 0) sender.PostControl(new Credit { Scope = CreditScope.Stream, Id = chunk.Stream, Count = arrival.Credit });
        if (_table.IsWithholding) state.TimersChanged();
        ReportProgress(chunk.Stream, arrival);
        if (!arrival.IsComplete || arrival.Payload is not { } payload) return NativeFault.None;

        _results.Remove(chunk.Stream);
        state.TimersChanged();
        if (payload.Bytes <= JoinedBytesMax) return TakeLong(chunk.Stream, chunk.Index, arrival, payload.MoveToArray());

        // To put much together takes a while, and streams have no place in the order: everything else goes on meanwhile.
        (uint stream, uint index) = (chunk.Stream, chunk.Index);
        _ = Task.Run(async () =>
        {
            byte[] whole = await JoinAsync(payload).ConfigureAwait(false);
            lock (state.Gate)
            {
                if (state.CloseInfo is null) TakeLong(stream, index, arrival, whole);
            }
        });
        return NativeFault.None;
    }

    /// <summary>The hub sends no more of a stream.</summary>
    public void OnCancelled(uint stream)
    {
        _table.Cancel(stream);
        _results.Remove(stream);
    }

    /// <summary>Gives up streams that make no progress, and lets those go on that waited for memory.</summary>
    public void Expire()
    {
        while (_table.TryExpire(state.Now, out StreamExpiry expired))
        {
            SendCancel(expired.Stream, expired.Error);
            _results.Remove(expired.Stream);
            Miss(expired.Purpose, expired.Reference, expired.Error, expired.Text);
        }

        // What waited for memory has it now.
        while (_table.TryGrant(state.Now, out uint stream, out uint credit))
            sender.PostControl(new Credit { Scope = CreditScope.Stream, Id = stream, Count = credit });
    }

    /// <summary>No caller waits for a call any more: if its result is on its way, no more of it is wanted.</summary>
    public void Leave(uint call)
    {
        foreach ((uint stream, uint of) in _results)
        {
            if (of != call) continue;
            _results.Remove(stream);
            if (_table.Cancel(stream)) SendCancel(stream, ChunkError.Cancelled);
            return;
        }
    }

    /// <summary>The connection is gone.</summary>
    public void Clear() => _table.Clear();

    // The stream limits of welcome hold in both directions, except for those that hello has for this one.
    private static ChunkLimits LimitsOf(ChunkLimits outgoing, BrokerClientOptions options)
    {
        ChunkLimits limits = outgoing with
        {
            ChunkBytesMax = 256 * 1024,
            StreamBytesMax = Math.Min(outgoing.StreamBytesMax, Array.MaxLength),
            WindowChunks = options.StreamWindow,
            ConnectionBytesMax = options.DownloadBytesMax,
        };
        return limits with { ChunksMax = (int)Math.Max(limits.ChunksMax, limits.ChunksOf(limits.StreamBytesMax)) };
    }

    // Chunk by chunk, and behind each whatever else waits for a thread of the pool has its turn, such as what the hub says meanwhile.
    private static async Task<byte[]> JoinAsync(ChunkedPayload payload)
    {
        using ChunkedPayload disposed = payload;
        byte[] whole = GC.AllocateUninitializedArray<byte>(checked((int)payload.Bytes));
        int length = 0;
        while (payload.TryMoveNext(whole.AsSpan(length), out int bytes))
        {
            length += bytes;
            await Task.Yield();
        }

        return whole;
    }

    // What is long is kept as it is, and not copied once more.
    private NativeFault TakeLong(uint stream, uint lastChunk, in ChunkArrival arrival, byte[] whole)
    {
        if (arrival.Purpose == StreamPurpose.Result)
        {
            calls.OnResult(arrival.Reference, whole);
            return NativeFault.None;
        }

        NativeFault fault = NativeReader.ReadLong(whole, whole.Length, Side.Client, out NativeMessage message);
        switch (fault == NativeFault.None ? message.Kind : NativeKind.None)
        {
            case NativeKind.None:
                Refuse(stream, lastChunk, new ChunkRefusal(ChunkError.NotAMessage, whole.Length));
                return NativeFault.None;
            case NativeKind.Delivery:
                var delivery = message.As<Core.Protocol.Messages.Delivery>();
                channels.OnLongDelivery(delivery.Channel, delivery.Offset, whole.AsMemory(whole.Length - delivery.Data.Length));
                return NativeFault.None;
            case NativeKind.Result:
                var result = message.As<CallResult>();
                calls.OnResult(result.Id, whole.AsMemory(whole.Length - result.Data.Length));
                return NativeFault.None;
            default:
                return take(message);
        }
    }

    private void ReportProgress(uint stream, in ChunkArrival arrival)
    {
        if (!_results.TryGetValue(stream, out uint call) || calls.ProgressOf(call) is not { } progress) return;
        if (_table.TryGetProgress(stream, out long bytes, out long announced)) progress.Notify(bytes, announced);
        else if (arrival.Payload is { } payload) progress.Notify(payload.Bytes, payload.Bytes);
    }

    // A call fails now. A lost delivery is reported by the hub, because only the hub knows its offset.
    private void Miss(StreamPurpose purpose, uint call, ChunkError why, string text)
    {
        if (purpose == StreamPurpose.Result) calls.OnResultRefused(call, why, text);
    }

    private void SendCancel(uint stream, ChunkError why) =>
        sender.PostControl(new StreamCancel { Owner = StreamOwner.Yours, Stream = stream, Code = why });

    private void Refuse(uint stream, uint chunk, in ChunkRefusal why) =>
        sender.PostControl(
            new NativeError { Scope = ErrorScope.Stream, Code = (ushort)why.Error, Id = stream, ChunkIndex = chunk,
                Text = Encoding.UTF8.GetBytes(why.Text) });
}
