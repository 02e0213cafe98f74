using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using Broker.Core.Buffers;
using Broker.Core.Chunks;
using Broker.Core.Framing;
using Broker.Core.Native;
using Broker.Core.Rpc;

namespace Broker.Client;

/// <summary>One connection, from its welcome to its end: what waits on it, and two loops, one for each direction.</summary>
/// <remarks>
/// One lock guards all that waits; the loops hold it while they read or fill a frame in memory, never while they wait for
/// the socket. While a frame is being sent, whatever is posted gathers for the next: nothing is delayed to be grouped.
/// </remarks>
internal sealed class Connection
{
    private const int SmallMessagesMax = 65_536;
    private const int JoinedBytesMax = 1024 * 1024;             // What is put together while the connection waits.
    private const int ExpandedBytesMax = 16 * 1024 * 1024;      // What one compressed frame may come to.
    private const int ComeBack = 2500, KeepsNothing = 2502;     // Codes of unsubscribed: from the first on, subscribe again.

    private readonly ClientWebSocket _socket;
    private readonly Agreement _agreement;
    private readonly BrokerClientOptions _options;
    private readonly ChunkLimits _outgoing;
    private readonly Lock _gate = new();
    private readonly Outbox _outbox;
    private readonly ChunkTable _incoming;
    private readonly CallTable<PendingCall> _calls;
    private readonly AnsweredCalls _answers;
    private readonly RequestTable _requests = new();
    private readonly Dictionary<uint, Subscription> _channels = [];
    private readonly Dictionary<uint, uint> _downloads = [];    // Streams that are results, and the calls that they are of.
    private readonly Dictionary<uint, (uint Id, bool IsCall)> _uploads = [];    // Streams that are requests without an answer.
    private readonly BufferPool _pool = new();
    private readonly TaskCompletionSource<Ending> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _started;
    private readonly ITimer _timer;
    private TaskCompletionSource? _idle;        // The sender waits for something to send.
    private long _uploadBytes;
    private uint _lastCall;
    private int _corks;
    private Ending? _ending;
    private Ending? _bye;

    public Connection(ClientWebSocket socket, Agreement agreement, BrokerClientOptions options)
    {
        _socket = socket;
        _agreement = agreement;
        _options = options;
        _outgoing = ChunkLimits.For(agreement.Limits);
        int capBytes = Math.Min(OutboundBatcher.ClientCapBytes, agreement.Limits.FrameBytesMax);
        _outbox = new Outbox(agreement.IsBatched, capBytes, _outgoing, options.SendBytesMax, SmallMessagesMax);

        // What welcome tells of streams holds in both directions, but for what hello has told of this one.
        ChunkLimits limits = _outgoing with { ChunkBytesMax = 256 * 1024, WindowChunks = Handshake.WindowChunks, ConnectionBytesMax = options.DownloadBytesMax };
        limits = limits with { ChunksMax = (int)Math.Max(limits.ChunksMax, limits.ChunksOf(limits.StreamBytesMax)) };
        _incoming = new ChunkTable(limits, new ChunkBudget(options.DownloadBytesMax), ProcessBuffers.Shared);
        _calls = new CallTable<PendingCall>(agreement.Limits.CallsMax);
        _answers = new AnsweredCalls(options.Methods, options.Time, _gate, SayResult, SayFault);
        _started = options.Time.GetTimestamp();
        _timer = options.Time.CreateTimer(_ => OnTime(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How the connection ended. Never fails.</summary>
    public Task<Ending> Ended => _ended.Task;

    /// <summary>The id that the hub gave the connection.</summary>
    public string ClientId => _agreement.ClientId;

    private TimeSpan Now => _options.Time.GetElapsedTime(_started);

    /// <summary>Starts both loops.</summary>
    public void Start()
    {
        _ = SendFramesAsync();
        _ = ReadFramesAsync();
    }

    /// <summary>Holds frames back until <see cref="Uncork"/> was said as often.</summary>
    public void Cork()
    {
        lock (_gate) _corks++;
    }

    /// <summary>Sends what gathered.</summary>
    public void Uncork()
    {
        lock (_gate)
        {
            if (--_corks == 0) Signal();
        }
    }

    /// <summary>Publishes; the answer is the request's.</summary>
    public async Task<PublishReceipt> PublishAsync(
        string channel, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var request = new PendingPublish();
        uint id;
        lock (_gate)
        {
            ThrowIfEnded();
            id = _requests.Add(request);
            try
            {
                request.Upload = Post(new Publish { Request = id, Channel = Encoding.UTF8.GetBytes(channel) }, data, progress);
                if (request.Upload is { } stream) _uploads[stream] = (id, IsCall: false);
            }
            catch (BrokerException)
            {
                _requests.TryTake<PendingPublish>(id, out _);
                throw;
            }
        }

        using CancellationTokenRegistration registration = cancel.Register(() => Abandon(id, request, cancel));
        return await request.Answer.Task.ConfigureAwait(false);
    }

    /// <summary>Subscribes, with recovery where the channel has it.</summary>
    public async Task SubscribeAsync(Subscription subscription, CancellationToken cancel)
    {
        var request = new PendingSubscribe(subscription);
        lock (_gate)
        {
            ThrowIfEnded();
            uint id = _requests.Add(request);
            Post(new Subscribe
            {
                Request = id,
                Options = subscription.CanRecover ? SubscribeOptions.Recover : SubscribeOptions.None,
                Epoch = subscription.Epoch,
                Offset = subscription.Offset,
                Channel = Encoding.UTF8.GetBytes(subscription.Channel),
                Token = subscription.Token.Span,
            });
        }

        await request.Answer.Task.WaitAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Unsubscribes, if the channel is subscribed here; nobody waits for the answer.</summary>
    public void Unsubscribe(Subscription subscription)
    {
        lock (_gate)
        {
            if (_ending is not null) return;
            foreach ((uint number, Subscription other) in _channels)
            {
                if (other != subscription) continue;
                _channels.Remove(number);
                TryPost(new Unsubscribe { Request = uint.MaxValue, Channel = number });
                return;
            }
        }
    }

    /// <summary>Asks the hub whether it is there.</summary>
    public async Task<TimeSpan> PingAsync(CancellationToken cancel)
    {
        var ping = new PendingPing(_options.Time.GetTimestamp());
        lock (_gate)
        {
            ThrowIfEnded();
            Post(new Ping { Mark = _requests.Add(ping) });
        }

        return await ping.Answer.Task.WaitAsync(cancel).ConfigureAwait(false);
    }

    private void OnPong(ulong mark)
    {
        if (mark <= uint.MaxValue && _requests.TryTake((uint)mark, out PendingPing? ping)) ping.Answer.TrySetResult(_options.Time.GetElapsedTime(ping.Began));
    }

    /// <summary>Calls a method of the hub.</summary>
    public async Task<ReadOnlyMemory<byte>> CallAsync(string method, ReadOnlyMemory<byte> arguments, CallSettings settings, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var call = new PendingCall(method, settings.Download);
        uint id;
        lock (_gate)
        {
            ThrowIfEnded();
            id = _lastCall = CallIds.Next(_lastCall);
            TimeSpan deadline = settings.Deadline is { } limit ? Now + limit : TimeSpan.MaxValue;
            FaultCode refused = _calls.Add(id, deadline, call);
            if (refused != FaultCode.None) throw new CallFailedException(method, refused, "Too many calls are pending.");
            try
            {
                uint milliseconds = settings.Deadline is { } span ? (uint)Math.Clamp(span.TotalMilliseconds, 1, uint.MaxValue) : 0;
                call.Upload = Post(
                    new Call { Id = id, Method = MethodId.Of(method), DeadlineMilliseconds = milliseconds }, arguments, settings.Upload);
                if (call.Upload is { } stream) _uploads[stream] = (id, IsCall: true);
            }
            catch (BrokerException)
            {
                _calls.TryTake(id, out _);
                throw;
            }

            SetTimer();
        }

        using CancellationTokenRegistration registration = cancel.Register(() => Abandon(id, call, cancel));
        return await call.Answer.Task.ConfigureAwait(false);
    }

    /// <summary>Ends the connection from this side.</summary>
    public async Task CloseAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), _options.Time);
            if (_ending is null) await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // It is ending anyway.
        }

        End(new Ending { Code = 1000, Text = "The client has closed.", MayReconnect = false });
    }

    private static int SizeOf<T>(scoped in T message, int dataBytes)
        where T : INativeMessage<T>, allows ref struct => checked(NativeWriter.SizeOf(message) + dataBytes);

    // A message whose last field is data, which is not in it yet.
    private static byte[] Encode<T>(scoped in T message, int room, int dataBytes)
        where T : INativeMessage<T>, allows ref struct
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(room);
        new NativeWriter(bytes).TryWrite(message);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), (uint)(message.BodyBytes + dataBytes));
        return bytes;
    }

    private void Post<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct => Post(message, default, progress: null);

    private uint? Post<T>(scoped in T message, ReadOnlyMemory<byte> data, IProgress<TransferProgress>? progress)
        where T : INativeMessage<T>, allows ref struct
    {
        int head = NativeWriter.SizeOf(message);
        long size = head + (long)data.Length;
        if (size > _outgoing.ThresholdBytes)
        {
            if (!_outgoing.Allows(size)) throw new TooBigException($"{size} bytes are more than the hub takes: {_outgoing.StreamBytesMax}.");
            if (_uploadBytes > 0 && size > _options.UploadBytesMax - _uploadBytes)
            {
                throw new QueueFullException($"Large messages of {_uploadBytes} bytes wait already.");
            }

            var source = new UploadSource(Encode(message, head, data.Length), data, progress, bytes => _uploadBytes -= bytes);
            _outbox.Chunks.TrySend(source, out uint stream);
            _uploadBytes += size;
            Signal();
            return stream;
        }

        byte[] whole = Encode(message, SizeOf(message, data.Length), data.Length);
        data.Span.CopyTo(whole.AsSpan(head));
        if (_outbox.Post(whole) != Posted.Queued) throw new QueueFullException($"Messages of {_outbox.QueuedBytes} bytes wait already.");
        Signal();
        progress?.Report(new TransferProgress(data.Length, data.Length));
        return null;
    }

    private void Signal()
    {
        if (_corks > 0) return;
        _idle?.TrySetResult();
        _idle = null;
    }

    private void ThrowIfEnded()
    {
        if (_ending is not null) throw new ConnectionLostException(_ending);
    }

    private void Abandon(uint id, PendingPublish request, CancellationToken cancel)
    {
        lock (_gate)
        {
            if (!_requests.TryTake<PendingPublish>(id, out _)) return;
            CancelUpload(request);
        }

        request.Answer.TrySetCanceled(cancel);
    }

    private void Abandon(uint id, PendingCall call, CancellationToken cancel)
    {
        lock (_gate)
        {
            if (!_calls.TryTake(id, out _)) return;
            GiveUp(id, call);
        }

        call.Answer.TrySetCanceled(cancel);
    }

    // A call that is still being sent never began over there, so there is nothing to cancel but its stream.
    private void GiveUp(uint id, PendingCall call)
    {
        if (!CancelUpload(call)) TryPost(new CallCancel { Id = id });
    }

    private bool CancelUpload(PendingRequest request)
    {
        Forget(request);
        if (request.Upload is not { } stream || !_outbox.Chunks.Cancel(stream)) return false;
        Signal();
        return true;
    }

    // What only tidies up may be lost when the queue is full: it has its own bound over there.
    private void TryPost<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct
    {
        if (_ending is null && _outbox.Post(NativeWriter.Message(message)) == Posted.Queued) Signal();
    }

    private void SetTimer()
    {
        TimeSpan? next = _calls.NextDeadline;
        if (_incoming.NextExpiry is { } expiry && (next is null || expiry < next)) next = expiry;
        TimeSpan wait = next is null ? Timeout.InfiniteTimeSpan : next.Value - Now;
        if (next is not null) wait = TimeSpan.FromTicks(Math.Clamp(wait.Ticks, 0, TimeSpan.TicksPerDay));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void OnTime()
    {
        lock (_gate)
        {
            if (_ending is not null) return;
            while (_calls.TryExpire(Now, out uint id, out PendingCall? call))
            {
                GiveUp(id, call);
                call.Fail(new CallFailedException(call.Method, FaultCode.Deadline, "The time for it is over."));
            }

            while (_incoming.TryExpire(Now, out StreamExpiry expired))
            {
                TryPost(new StreamCancel { Owner = StreamOwner.Yours, Stream = expired.Stream, Code = ChunkError.Expired });
                _downloads.Remove(expired.Stream);
            }

            SetTimer();
        }
    }

    private async Task SendFramesAsync()
    {
        var frame = new ArrayBufferWriter<byte>(16 * 1024);
        try
        {
            while (true)
            {
                Task? idle = null;
                lock (_gate)
                {
                    if (_ending is not null) return;
                    if (_corks > 0 || !_outbox.TryFillFrame(frame))
                    {
                        _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                        idle = _idle.Task;
                    }
                }

                if (idle is not null)
                {
                    await idle.ConfigureAwait(false);
                    continue;
                }

                await _socket.SendAsync(frame.WrittenMemory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).ConfigureAwait(false);
                frame.ResetWrittenCount();
            }
        }
        catch (Exception failure)
        {
            // What the reader finds says more, such as the hub's Close frame; if it finds nothing, this ends it.
            if (_socket.State is WebSocketState.Open) End(_bye ?? Ending.OfFailure(failure));
        }
    }

    private async Task ReadFramesAsync()
    {
        var frame = new byte[16 * 1024];
        int length = 0;
        Ending ending;
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult received = await _socket.ReceiveAsync(frame.AsMemory(length), CancellationToken.None).ConfigureAwait(false);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    ending = _bye ?? Ending.OfCode((int?)_socket.CloseStatus ?? 1005, _socket.CloseStatusDescription ?? "");
                    break;
                }

                length += received.Count;
                NativeFault fault = received.MessageType == WebSocketMessageType.Text ? NativeFault.TextFrame : NativeFault.None;
                if (fault == NativeFault.None && received.EndOfMessage)
                {
                    fault = TakeFrame(frame.AsSpan(0, length));
                    length = 0;
                }
                else if (fault == NativeFault.None && length == frame.Length)
                {
                    if (length >= _options.FrameBytesMax) fault = NativeFault.PayloadTooBig;
                    else Array.Resize(ref frame, Math.Min(_options.FrameBytesMax, length * 2));
                }

                if (fault == NativeFault.None) continue;
                ending = Ending.OfFault(fault);
                await SayCloseAsync(fault).ConfigureAwait(false);
                break;
            }
        }
        catch (Exception failure)
        {
            ending = _bye ?? Ending.OfFailure(failure);
        }

        End(ending);
    }

    private async Task SayCloseAsync(NativeFault fault)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), _options.Time);
            await _socket.CloseOutputAsync((WebSocketCloseStatus)(int)fault.CloseCode, fault.Reason, limit.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or InvalidOperationException or IOException)
        {
            // The end is told anyway.
        }
    }

    private NativeFault TakeFrame(ReadOnlySpan<byte> payload)
    {
        NativeFault fault = OpenedPayload.Open(payload, _agreement.Compressions, ExpandedBytesMax, _pool, out OpenedPayload opened);
        if (fault != NativeFault.None) return fault;
        var reader = new NativeReader(opened.Messages, Side.Client, _agreement.IsBatched);
        try
        {
            lock (_gate)
            {
                while (_ending is null)
                {
                    OperationStatus status = reader.Read(out NativeMessage message);
                    if (status == OperationStatus.InvalidData) return reader.Fault;
                    if (status != OperationStatus.Done) return NativeFault.None;
                    fault = Take(message);
                    if (fault != NativeFault.None) return fault;
                }
            }

            return NativeFault.None;
        }
        finally
        {
            opened.Dispose();
        }
    }

    private NativeFault Take(NativeMessage message)
    {
        switch (message.Kind)
        {
            case NativeKind.Delivery: OnDelivery(message.As<Core.Native.Delivery>()); break;
            case NativeKind.Missed: OnMissed(message.As<Missed>()); break;
            case NativeKind.Published: OnPublished(message.As<Published>()); break;
            case NativeKind.Subscribed: OnSubscribed(message.As<Subscribed>()); break;
            case NativeKind.Unsubscribed: OnUnsubscribed(message.As<Unsubscribed>()); break;
            case NativeKind.Result: OnResult(message.As<CallResult>().Id, message.As<CallResult>().Data.ToArray()); break;
            case NativeKind.Fault: OnFault(message.As<CallFault>()); break;
            case NativeKind.Call: _answers.Start(message.As<Call>()); break;
            case NativeKind.Cancel: _answers.Cancel(message.As<CallCancel>().Id); break;
            case NativeKind.Stream: OnStream(message.As<StreamHeader>()); break;
            case NativeKind.Chunk: return OnChunk(message.As<Chunk>());
            case NativeKind.Credit: OnCredit(message.As<Credit>()); break;
            case NativeKind.StreamCancel: OnStreamCancel(message.As<StreamCancel>()); break;
            case NativeKind.Error: OnError(message.As<NativeError>()); break;
            case NativeKind.Ping: TryPost(new Pong { Mark = message.As<Ping>().Mark }); break;
            case NativeKind.Pong: OnPong(message.As<Pong>().Mark); break;
            case NativeKind.Bye: OnBye(message.As<Bye>()); break;
            case NativeKind.Welcome: return NativeFault.OutOfTurn;
        }

        return NativeFault.None;
    }

    private void OnDelivery(Core.Native.Delivery delivery)
    {
        if (_channels.TryGetValue(delivery.Channel, out Subscription? subscription)) subscription.Take(delivery.Offset, delivery.Data.ToArray());
    }

    // One that came as a stream may come behind later ones.
    private void OnLongDelivery(Core.Native.Delivery delivery, ReadOnlyMemory<byte> data)
    {
        if (_channels.TryGetValue(delivery.Channel, out Subscription? subscription)) subscription.TakeLate(delivery.Offset, data);
    }

    private void OnMissed(Missed missed)
    {
        if (_channels.TryGetValue(missed.Channel, out Subscription? subscription)) subscription.Miss(missed.Offset, missed.Count);
    }

    private void OnPublished(Published published)
    {
        if (!_requests.TryTake(published.Request, out PendingPublish? request)) return;
        Forget(request);
        request.Answer.TrySetResult(new PublishReceipt(published.Offset, (int)published.Receivers));
    }

    private void OnSubscribed(Subscribed subscribed)
    {
        if (!_requests.TryTake(subscribed.Request, out PendingSubscribe? request)) return;
        if (request.Subscription.IsLeft)
        {
            TryPost(new Unsubscribe { Request = uint.MaxValue, Channel = subscribed.Channel });
            return;
        }

        _channels[subscribed.Channel] = request.Subscription;
        request.Subscription.Confirm(
            (subscribed.State & SubscribedState.Recoverable) != 0,
            (subscribed.State & SubscribedState.Recovered) != 0,
            subscribed.Epoch,
            subscribed.Offset);
        request.Answer.TrySetResult();
    }

    private void OnUnsubscribed(Unsubscribed unsubscribed)
    {
        // What was asked for is over already, and its number may be a new subscription's.
        if (unsubscribed.Request != 0 || !_channels.Remove(unsubscribed.Channel, out Subscription? subscription)) return;
        if (unsubscribed.Code == KeepsNothing) subscription.ForgetPlace();
        if (unsubscribed.Code >= ComeBack) _ = ResubscribeAsync(subscription);
        else subscription.Queue.End(new RefusedException(unsubscribed.Code, $"The hub has unsubscribed {subscription.Channel}: {Text(unsubscribed.Text)}"));
    }

    /// <summary>Subscribes again; a hub that refuses ends the subscription, a connection that ends does not.</summary>
    public async Task ResubscribeAsync(Subscription subscription)
    {
        try
        {
            await SubscribeAsync(subscription, CancellationToken.None).ConfigureAwait(false);
        }
        catch (ConnectionLostException)
        {
            // The next connection subscribes again.
        }
        catch (BrokerException refused)
        {
            subscription.Queue.End(refused);
        }
    }

    private void OnResult(uint id, ReadOnlyMemory<byte> result)
    {
        if (!_calls.TryTake(id, out PendingCall? call)) return;
        Forget(call);
        call.Answer.TrySetResult(result);
        SetTimer();
    }

    // What the hub has called and could not be told, it hears of by its own deadline.
    private void SayResult(uint id, ReadOnlyMemory<byte> result)
    {
        if (_ending is not null) return;
        try
        {
            Post(new CallResult { Id = id }, result, progress: null);
        }
        catch (TooBigException)
        {
            SayFault(id, FaultCode.ResultTooBig, "the result is longer than the hub takes");
        }
        catch (QueueFullException)
        {
            SayFault(id, FaultCode.Overloaded, "too much waits to be sent");
        }
    }

    private void SayFault(uint id, FaultCode code, string text) => TryPost(new CallFault { Id = id, Code = code, Text = Encoding.UTF8.GetBytes(text) });

    private void OnFault(CallFault fault)
    {
        if (!_calls.TryTake(fault.Id, out PendingCall? call)) return;
        CancelUpload(call);
        call.Fail(new CallFailedException(call.Method, fault.Code, Text(fault.Text)));
        SetTimer();
    }

    private void OnStream(StreamHeader header)
    {
        ChunkError error = _incoming.Open(header, Now);
        if (error != ChunkError.None) Refuse(header.Stream, chunk: 0, error);
        else if (header.Purpose == StreamPurpose.Result) _downloads[header.Stream] = header.Reference;
        SetTimer();
    }

    private NativeFault OnChunk(Chunk chunk)
    {
        ChunkError error = _incoming.Add(chunk, Now, out ChunkArrival arrival);
        if (error != ChunkError.None)
        {
            Refuse(chunk.Stream, chunk.Index, error);
            return NativeFault.None;
        }

        if (arrival.Credit > 0) TryPost(new Credit { Scope = CreditScope.Stream, Id = chunk.Stream, Count = arrival.Credit });
        ReportDownload(chunk.Stream, arrival);
        if (!arrival.IsComplete || arrival.Payload is not { } payload) return NativeFault.None;

        _downloads.Remove(chunk.Stream);
        SetTimer();
        if (payload.Bytes <= JoinedBytesMax) return TakeLong(chunk.Stream, chunk.Index, arrival, Join(payload));

        // To put much together takes a while, and streams have no place in the order: everything else goes on meanwhile.
        (uint stream, uint index) = (chunk.Stream, chunk.Index);
        _ = Task.Run(() =>
        {
            byte[] whole = Join(payload);
            lock (_gate)
            {
                if (_ending is null) TakeLong(stream, index, arrival, whole);
            }
        });
        return NativeFault.None;
    }

    private static byte[] Join(ChunkedPayload payload)
    {
        using (payload) return payload.ToArray();
    }

    // What is long is kept as it is, and not copied once more.
    private NativeFault TakeLong(uint stream, uint lastChunk, in ChunkArrival arrival, byte[] whole)
    {
        if (arrival.Purpose == StreamPurpose.Result)
        {
            OnResult(arrival.Reference, whole);
            return NativeFault.None;
        }

        NativeFault fault = NativeReader.ReadLong(whole, whole.Length, Side.Client, out NativeMessage message);
        switch (fault == NativeFault.None ? message.Kind : NativeKind.None)
        {
            case NativeKind.None:
                Refuse(stream, lastChunk, ChunkError.NotAMessage);
                return NativeFault.None;
            case NativeKind.Delivery:
                var delivery = message.As<Core.Native.Delivery>();
                OnLongDelivery(delivery, whole.AsMemory(whole.Length - delivery.Data.Length));
                return NativeFault.None;
            case NativeKind.Result:
                var result = message.As<CallResult>();
                OnResult(result.Id, whole.AsMemory(whole.Length - result.Data.Length));
                return NativeFault.None;
            default:
                return Take(message);
        }
    }

    private void ReportDownload(uint stream, in ChunkArrival arrival)
    {
        if (!_downloads.TryGetValue(stream, out uint id) || !_calls.TryGet(id, out PendingCall? call) || call.Download is null) return;
        if (_incoming.TryGetProgress(stream, out long bytes, out long announced)) call.Download.Report(new TransferProgress(bytes, announced));
        else if (arrival.Payload is { } payload) call.Download.Report(new TransferProgress(payload.Bytes, payload.Bytes));
    }

    private void Refuse(uint stream, uint chunk, ChunkError error) =>
        TryPost(new NativeError { Scope = ErrorScope.Stream, Code = (ushort)error, Id = stream, ChunkIndex = chunk });

    private void OnCredit(Credit credit)
    {
        if (credit.Scope != CreditScope.Stream) return;
        _outbox.Chunks.Grant(credit.Id, credit.Count);
        Signal();
    }

    private void OnStreamCancel(StreamCancel cancel)
    {
        if (cancel.Owner == StreamOwner.Mine)
        {
            _incoming.Cancel(cancel.Stream);
            _downloads.Remove(cancel.Stream);
            return;
        }

        FailUpload(cancel.Stream, cancel.Code);
    }

    private void OnError(NativeError error)
    {
        switch (error.Scope)
        {
            case ErrorScope.Request when _requests.TryTake(error.Id, out PendingRequest? request):
                CancelUpload(request);
                request.Fail(new RefusedException(error.Code, $"The hub refused: {Text(error.Text)} ({error.Code})"));
                break;
            case ErrorScope.Stream:
                FailUpload(error.Id, (ChunkError)error.Code);
                break;
            case ErrorScope.Connection:
                _bye = Ending.OfCode((int)((NativeFault)error.Code).CloseCode, Text(error.Text));
                break;
        }
    }

    // The hub takes no more of a stream that we send: whoever waits for it hears why.
    private void FailUpload(uint stream, ChunkError error)
    {
        _outbox.Chunks.OnCancelled(stream);
        if (!_uploads.Remove(stream, out (uint Id, bool IsCall) owner)) return;
        PendingRequest? pending;
        if (owner.IsCall) pending = _calls.TryTake(owner.Id, out PendingCall? call) ? call : null;
        else _requests.TryTake(owner.Id, out pending);
        pending?.Fail(new RefusedException((int)error, $"The hub stopped the upload: {error}."));
    }

    private void Forget(PendingRequest request)
    {
        if (request.Upload is { } stream) _uploads.Remove(stream);
    }

    private void OnBye(Bye bye) => _bye = Ending.OfBye(bye.Code, bye.RetryMilliseconds, Text(bye.Text));

    private void End(Ending ending)
    {
        PendingRequest[] requests;
        var calls = new List<PendingCall>();
        lock (_gate)
        {
            if (_ending is not null) return;
            _ending = ending;
            _corks = 0;
            requests = _requests.TakeAll();
            while (_calls.TryTakeFirst(out _, out PendingCall? call)) calls.Add(call);
            _channels.Clear();
            _answers.CancelAll();
            _outbox.Clear();
            _incoming.Clear();
            Signal();
        }

        _timer.Dispose();
        _socket.Dispose();
        var lost = new ConnectionLostException(ending);
        foreach (PendingRequest pending in requests.Concat(calls)) pending.Fail(lost);
        _ended.TrySetResult(ending);
    }

    private static string Text(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text);
}
