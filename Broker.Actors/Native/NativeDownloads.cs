using Broker.Actors.Sessions;
using Broker.Core.Buffers;
using Broker.Core.Chunks;
using Broker.Core.Native;
using Broker.Core.Reactor;
using Broker.Core.Rpc;

namespace Broker.Actors.Native;

/// <summary>What a stream to a client is, for the day that it can not be sent to its end.</summary>
/// <param name="Channel">Of a delivery: the channel's number; else 0.</param>
/// <param name="Offset">Of a delivery: its place.</param>
/// <param name="Call">Of a result or of arguments: the call.</param>
internal readonly record struct DownloadSubject(uint Channel, ulong Offset, uint Call);

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
    private readonly NativeSpeech _client;
    private readonly LoopReplies _replies;
    private readonly ChunkLimits _limits;
    private readonly ChunkSender _sender;
    private readonly List<Download> _downloads = [];
    private readonly LoopTimer _timer;
    private readonly int _payloadBytesMax;
    private MessageBatch _batch;
    private TimeSpan _progress;                     // Of any stream.
    private bool _isListed;

    /// <summary>Makes the sender of one connection.</summary>
    /// <param name="client">Who receives.</param>
    /// <param name="replies">Where it waits for its turn.</param>
    /// <param name="limits">What the client takes.</param>
    /// <param name="payloadBytesMax">The most bytes of messages in one frame for it.</param>
    /// <param name="batched">Whether a frame may have several.</param>
    internal NativeDownloads(NativeSpeech client, LoopReplies replies, ChunkLimits limits, int payloadBytesMax, bool batched)
    {
        _client = client;
        _replies = replies;
        _limits = limits;
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
    /// <returns>False when it is too long, or too much waits already; nothing is sent.</returns>
    internal bool TrySend(IChunkSource source, StreamPurpose purpose, in DownloadSubject subject)
    {
        var download = new Download(this, source, subject);
        bool fits = _sender.UnsentBytes == 0 || source.Bytes <= _limits.ConnectionBytesMax - _sender.UnsentBytes;
        if (!_client.Connection.IsOpen || !fits || !_sender.TrySend(download, out uint stream, purpose, purpose == StreamPurpose.Message ? 0 : subject.Call))
        {
            source.Dispose();
            return false;
        }

        if (_downloads.Count == 0)
        {
            _progress = Now;
            _timer.Set(_limits.IdleLimit);
        }

        download.Stream = stream;
        _downloads.Add(download);
        Wake();
        return true;
    }

    /// <summary>The client takes more chunks of a stream.</summary>
    internal void Grant(uint stream, uint chunks)
    {
        _sender.Grant(stream, chunks);
        Wake();
    }

    /// <summary>The client takes no more of a stream, and knows it.</summary>
    /// <returns>What the stream was, if it was under way.</returns>
    internal DownloadSubject? OnCancelled(uint stream)
    {
        DownloadSubject? subject = _downloads.Find(each => each.Stream == stream)?.Subject;
        _sender.OnCancelled(stream);
        Wake();
        return subject;
    }

    /// <summary>Nobody listens to the channel any more: what is on its way is not sent to its end.</summary>
    internal void CancelChannel(uint channel)
    {
        foreach (Download download in _downloads.Where(each => each.Subject.Channel == channel && channel != 0).ToList()) _sender.Cancel(download.Stream);
        Wake();
    }

    /// <summary>Nobody waits for a call's result, or for its arguments, any more.</summary>
    internal void CancelCall(uint call)
    {
        foreach (Download download in _downloads.Where(each => each.Subject.Channel == 0 && each.Subject.Call == call).ToList()) _sender.Cancel(download.Stream);
        Wake();
    }

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
            if (!_batch.HasRoomFor(bytes, _payloadBytesMax)) Write();
            _sender.WriteNext(_batch.Append(bytes, connection.Loop.Pool));
        }
        while (!isChunk && _sender.NextBytes > 0);

        Write();
        return Pumped.Wrote;
    }

    private void Write()
    {
        _client.Count(_batch);
        SharedBytes frames = _batch.Seal(out int start);
        _client.Connection.Write(frames, start);
        frames.LetGo();
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
        foreach (Download late in _downloads.Where(each => now - ProgressOf(each) >= _limits.IdleLimit).ToList())
        {
            if (!_sender.Cancel(late.Stream, ChunkError.Expired)) continue;
            _client.TellUnsent(late.Subject);
        }

        Wake();
        if (_downloads.Count > 0) _timer.Set(_limits.IdleLimit - (now - _downloads.Min(ProgressOf)));
    }

    private TimeSpan ProgressOf(Download download) => download.Progress ?? _progress;

    private void Forget(Download download)
    {
        _downloads.Remove(download);
        if (_downloads.Count == 0) _timer.Stop();
    }

    private sealed class Download(NativeDownloads owner, IChunkSource bytes, DownloadSubject subject) : IChunkSource
    {
        public long Bytes => bytes.Bytes;

        internal uint Stream { get; set; }

        internal DownloadSubject Subject => subject;

        /// <summary>When its last chunk was made; none before the first, while others have their turn.</summary>
        internal TimeSpan? Progress { get; private set; }

        public void CopyTo(long from, Span<byte> target)
        {
            Progress = owner._progress = owner.Now;
            bytes.CopyTo(from, target);
        }

        public void Dispose()
        {
            bytes.Dispose();
            owner.Forget(this);
        }
    }
}
