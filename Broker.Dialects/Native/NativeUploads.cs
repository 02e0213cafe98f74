using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Reactor.Loops;

namespace Broker.Dialects.Native;

/// <summary>The streams that one client sends: put together, held to their bounds, and ended by the loop's clock if they stop.</summary>
/// <remarks>
/// Made with the first of them. A chunk that is refused is answered with its stream and index, and hurts no other component. For the
/// loop's thread.
/// </remarks>
internal sealed class NativeUploads
{
    private readonly NativeSession _client;
    private readonly EventLoop _loop;
    private readonly ChunkBudget _arguments;        // Of calls that run: the table no longer counts them.
    private readonly ChunkTable _table;
    private readonly LoopTimer _timer;

    /// <summary>Makes the table of one connection.</summary>
    /// <param name="client">Who sends, and is answered.</param>
    /// <param name="limits">What its streams are held to.</param>
    /// <param name="process">What those of all connections share.</param>
    internal NativeUploads(NativeSession client, ChunkLimits limits, ChunkBudget process)
    {
        _client = client;
        _loop = client.Connection.Loop;
        _arguments = new ChunkBudget(limits.ConnectionBytesMax);
        _table = new ChunkTable(limits, process, ProcessBuffers.Shared);
        _timer = new LoopTimer(_loop, OnTime);
    }

    private TimeSpan Now => TimeSpan.FromMilliseconds(_loop.NowMilliseconds);

    /// <summary>The last chunk or header that was refused, with the numbers.</summary>
    internal ChunkRefusal Refusal => _table.Refusal;

    /// <summary>A header has come.</summary>
    /// <param name="header">The header.</param>
    /// <param name="isAwaited">Whether a caller waits for what it belongs to.</param>
    /// <param name="index">Of the message in its frame.</param>
    /// <returns>Why it is refused, or none; the client has been notified.</returns>
    internal ChunkError Open(in StreamHeader header, bool isAwaited, int index)
    {
        ChunkError error = isAwaited ? _table.Open(header, Now) : _table.Reject(header, Now);
        if (error != ChunkError.None) Refuse(header.Stream, chunk: 0, error, Refusal.Text, index);
        Watch();
        return error;
    }

    /// <summary>A chunk has come.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="index">Of the message in its frame.</param>
    /// <param name="arrival">What it belongs to; with the whole stream, if that was the last one missing: the caller is its holder.</param>
    /// <returns>Why it is refused, or none; the client has been notified.</returns>
    internal ChunkError Add(in Chunk chunk, int index, out ChunkArrival arrival)
    {
        ChunkError error = _table.Add(chunk, Now, out arrival);
        if (error != ChunkError.None) Refuse(chunk.Stream, chunk.Index, error, Refusal.Text, index);
        if (arrival.Credit > 0) _client.Send(new Credit { Scope = CreditScope.Stream, Id = chunk.Stream, Count = arrival.Credit });
        Watch();
        return error;
    }

    /// <summary>The client sends no more of a stream.</summary>
    internal void Cancel(uint stream)
    {
        _table.Cancel(stream);
        Watch();
    }

    /// <summary>A stream becomes arguments in one piece, which are counted until the call has ended.</summary>
    /// <returns>Where they are counted; none if the calls of the client hold too many.</returns>
    internal ChunkReservation? TryPassOn(ChunkedPayload payload, long bytes) => payload.TryPassOn(_arguments, bytes);

    /// <summary>A whole stream is not what it was to be.</summary>
    internal void Refuse(in Chunk last, in ChunkRefusal why, int index) => Refuse(last.Stream, last.Index, why.Error, why.Text, index);

    // Tells which chunk of which stream is refused, and why.
    private void Refuse(uint stream, uint chunk, ChunkError error, string text, int index)
    {
        _loop.Counters.Streams.Add((int)error);
        _client.Send(new NativeError
        {
            Scope = ErrorScope.Stream,
            Code = (ushort)error,
            Id = stream,
            ChunkIndex = chunk,
            MessageIndex = (uint)index,
            Text = Encoding.UTF8.GetBytes(text),
        });
    }

    /// <summary>The connection has ended.</summary>
    internal void Clear()
    {
        _timer.Stop();
        _table.Clear();
    }

    private void OnTime() => Watch();

    private void Watch()
    {
        SendExpired();
        while (_table.TryGrant(Now, out uint stream, out uint credit))
            _client.Send(new Credit { Scope = CreditScope.Stream, Id = stream, Count = credit });
        if (_table.NextExpiry is { } expiry) _timer.Set(expiry - Now);
        else _timer.Stop();
    }

    private void SendExpired()
    {
        while (_table.TryExpire(Now, out StreamExpiry expired))
        {
            Refuse(expired.Stream, chunk: 0, expired.Error, expired.Text, index: 0);
            _client.MissResult(expired.Purpose, expired.Reference, expired.Error, expired.Text);
        }
    }
}
