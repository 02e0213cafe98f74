using Broker.Actors.Runtime;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Reactor.Loops;

namespace Broker.Dialects.Native;

/// <summary>
/// The streams that one client is sent: a chunk at a time, between the small messages, as far as its credit goes and as fast
/// as it takes them.
/// </summary>
/// <remarks>
/// Made with the first of them. No chunk is made before the one before it has left for the socket, so beside the shared data
/// a client costs one chunk. For the loop's thread.
/// </remarks>
internal sealed class NativeDownloads : IChunkPump
{
    private const int SmallBytesMax = 1024 * 1024;  // Of a result that never has to give way to others.

    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(250);

    private readonly NativeSession _client;
    private readonly LoopTurn _replies;
    private readonly ChunkLimits _limits;
    private readonly ChunkBudget _process;
    private readonly ChunkSender _sender;
    private readonly List<Download> _downloads = [];
    private readonly SentStreams _sent = new();
    private readonly LoopTimer _timer;
    private readonly int _payloadBytesMax;
    private MessageBatch _batch;
    private TimeSpan _progress;                     // Of any stream.
    private long _heldBytes;                        // Of all streams, each as a whole until it is released.
    private bool _isListed;

    /// <summary>Makes the sender of one connection.</summary>
    /// <param name="client">Who receives.</param>
    /// <param name="replies">Where it waits for its turn.</param>
    /// <param name="limits">What the client takes.</param>
    /// <param name="process">What the streams of all connections share.</param>
    /// <param name="payloadBytesMax">The most bytes of messages in one frame for it.</param>
    /// <param name="batched">Whether a frame may have several.</param>
    internal NativeDownloads(
        NativeSession client, LoopTurn replies, ChunkLimits limits, ChunkBudget process, int payloadBytesMax, bool batched)
    {
        _client = client;
        _replies = replies;
        _limits = limits;
        _process = process;
        _payloadBytesMax = payloadBytesMax;
        _sender = new ChunkSender(limits);
        _batch = new MessageBatch(batched);
        _timer = new LoopTimer(client.Connection.Loop, OnTime);
    }

    private TimeSpan Now => TimeSpan.FromMilliseconds(_client.Connection.Loop.NowMilliseconds);

    /// <summary>Begins a stream.</summary>
    /// <param name="source">Its bytes; disposed of in any case.</param>
    /// <param name="purpose">What they are.</param>
    /// <param name="subject">What they belong to.</param>
    /// <returns>None; or why not, and then nothing is sent: it is too long, too much waits already, or the connection has ended.</returns>
    internal ChunkRefusal Send(IChunkSource source, StreamPurpose purpose, in DownloadSubject subject)
    {
        ChunkRefusal refused = Admit(source, subject, out ChunkReservation? reservation);
        if (refused.Error != ChunkError.None)
        {
            source.Dispose();
            return refused;
        }

        var download = new Download(this, source, reservation, subject);
        _sender.TrySend(download, out uint stream, purpose, purpose == StreamPurpose.Message ? 0 : subject.Call);
        download.Stream = stream;
        _downloads.Add(download);
        _heldBytes += source.Bytes;
        if (subject.Channel == 0) _client.Connection.Owe();
        if (_downloads.Count == 1)
        {
            _progress = Now;
        }

        if (_downloads.Count == 1 || source.Bytes > SmallBytesMax) _timer.Set(NextDue() - Now);

        Wake();
        return default;
    }

    // A delivery counts once for all who are sent it, and where its bytes are. What only one client is sent counts here.
    private ChunkRefusal Admit(IChunkSource source, in DownloadSubject subject, out ChunkReservation? reservation)
    {
        reservation = null;
        if (!_client.Connection.IsOpen) return new ChunkRefusal(ChunkError.Cancelled);
        if (!_limits.Allows(source.Bytes)) return new ChunkRefusal(ChunkError.StreamTooBig, source.Bytes, _limits.StreamBytesMax);
        if (_heldBytes > 0 && source.Bytes > _limits.ConnectionBytesMax - _heldBytes)
            return new ChunkRefusal(ChunkError.ConnectionFull, source.Bytes, _limits.ConnectionBytesMax, _heldBytes);
        if (subject.Channel != 0) return default;
        reservation =
            source.Bytes > SmallBytesMax ? ChunkReservation.TryReserve(_process, source.Bytes, Now)
                : ChunkReservation.TryTake(_process, source.Bytes);
        return reservation is null ? ChunkRefusal.Full(source.Bytes, _process) : default;
    }

    /// <summary>The client takes more chunks of a stream.</summary>
    internal void Grant(uint stream, uint chunks)
    {
        _sender.Grant(stream, chunks);
        Wake();
    }

    /// <summary>The client takes no more of a stream, and knows it.</summary>
    /// <returns>What the stream was, if it is under way, or has been sent and the client was not done with it.</returns>
    internal DownloadSubject? OnCancelled(uint stream)
    {
        DownloadSubject? subject = _downloads.Find(each => each.Stream == stream)?.Subject ?? _sent.Take(stream);
        _sender.OnCancelled(stream);
        Wake();
        return subject;
    }

    /// <summary>No one listens to the channel any more: what is on its way is not sent to its end.</summary>
    internal void CancelChannel(uint channel)
    {
        foreach (Download download in _downloads.Where(each => each.Subject.Channel == channel && channel != 0).ToList())
            _sender.Cancel(download.Stream);
        _sent.RemoveChannel(channel);
        Wake();
    }

    /// <summary>No caller waits for a call's result, or for its arguments, any more.</summary>
    /// <returns>Whether any of it was on its way.</returns>
    internal bool CancelCall(uint call)
    {
        List<Download> found = [.. _downloads.Where(each => each.Subject.Channel == 0 && each.Subject.Call == call)];
        foreach (Download download in found) _sender.Cancel(download.Stream);
        _sent.RemoveCall(call);
        Wake();
        return found.Count > 0;
    }

    /// <summary>The client waits for a call no longer: it is sent no end of it.</summary>
    internal void RemoveSent(uint call) => _sent.RemoveCall(call);

    /// <summary>The connection has ended.</summary>
    internal void Clear()
    {
        _timer.Stop();
        _sender.Clear();
        _batch.Clear();
    }

    /// <inheritdoc />
    public Pumped Pump()
    {
        Connection connection = _client.Connection;
        if (!connection.IsOpen || _sender.NextBytes == 0)
        {
            _isListed = false;
            return Pumped.Idle;
        }

        if (NativePacer.IsBusy(connection, out Pumped pumped)) return pumped;
        bool isChunk;
        do
        {
            // A chunk, and before it what costs no turn: a header, or the end of another stream.
            int bytes = _sender.NextBytes;
            isChunk = _sender.NextIsChunk;
            if (!isChunk) NoteBegun(_sender.NextStream);
            if (!_batch.HasRoomFor(bytes, _payloadBytesMax)) Write();
            _sender.WriteNext(_batch.Append(bytes, connection.Loop.Pool));
        }
        while (!isChunk && _sender.NextBytes > 0);

        Write();
        return Pumped.Wrote;
    }

    // From its header on a stream is the client's to move.
    private void NoteBegun(uint stream) => _downloads.Find(each => each.Stream == stream)?.Touch();

    private void Write()
    {
        _client.Count(_batch);
        SharedBytes frames = _batch.Seal(out int start);
        _client.Connection.Write(frames, start);
        frames.Release();
    }

    private void Wake()
    {
        if (_isListed || _sender.NextBytes == 0) return;
        _isListed = true;
        _replies.Add(this);
    }

    // A client that gives no credit for so long gets what comes after, and is told what it does not get.
    private void OnTime()
    {
        TimeSpan now = Now;
        foreach (Download late in _downloads.Where(each => DueOf(each) <= now).ToList())
        {
            if (!_sender.Cancel(late.Stream, ChunkError.Expired)) continue;
            _client.ReportLate(late.Subject);
        }

        Shed(now);
        Wake();
        if (_downloads.Count > 0) _timer.Set(NextDue() - now);
    }

    private TimeSpan NextDue()
    {
        TimeSpan due = _downloads.Min(DueOf);
        TimeSpan look = Now + s_lookInterval;
        return due > look && _downloads.Exists(each => each.Bytes > SmallBytesMax) ? look : due;
    }

    // Others wait for memory that this client does not take: what it takes slowly gives way.
    private void Shed(TimeSpan now)
    {
        foreach (Download slow in _downloads.Where(each => each.Bytes > SmallBytesMax && each.IsShedBy(_process, now)).ToList())
        {
            if (_sender.Cancel(slow.Stream, ChunkError.ProcessFull)) _client.ReportShed(slow.Subject);
        }
    }

    // One that waits for credit is judged by itself. One that waits for its turn waits for the others: it is late when none moves.
    private TimeSpan DueOf(Download download)
    {
        TimeSpan progress = _sender.WaitsForCredit(download.Stream) || download.Progress > _progress ? download.Progress : _progress;
        TimeSpan idle = progress + _limits.IdleLimit, life = download.Started + _limits.LifeLimit;
        return idle < life ? idle : life;
    }

    private void Evict(Download download)
    {
        if (!_downloads.Remove(download)) return;
        _heldBytes -= download.Bytes;
        if (download.Subject.Channel == 0) _client.Connection.Settle();
        if (download.IsSent) _sent.Add(download.Stream, download.Subject);
        if (_downloads.Count == 0) _timer.Stop();
    }

    private sealed class Download(NativeDownloads owner, IChunkSource bytes, ChunkReservation? reservation, DownloadSubject subject)
        : IChunkSource
    {
        private TransferRate _rate = new(owner.Now);

        internal TimeSpan Started { get; } = owner.Now;

        public long Bytes => bytes.Bytes;

        internal uint Stream { get; set; }

        internal DownloadSubject Subject => subject;

        internal bool IsSent { get; private set; }

        /// <summary>When its last chunk was made, or its header; before that, when it was to be sent.</summary>
        internal TimeSpan Progress { get; private set; } = owner.Now;

        internal void Touch() => Progress = owner.Now;

        internal bool IsShedBy(ChunkBudget process, TimeSpan now) => _rate.TryMeasure(now, out long rate) && process.TryShed(rate, now);

        public void CopyTo(long from, Span<byte> target)
        {
            Touch();
            _rate.Add(target.Length);
            owner._progress = Progress;
            IsSent = from + target.Length == bytes.Bytes;
            bytes.CopyTo(from, target);
        }

        public void Dispose()
        {
            bytes.Dispose();
            reservation?.Dispose();
            owner.Evict(this);
        }
    }
}
