using Broker.Core.Protocol.Store;
using RocksDbSharp;

namespace Broker.Store;

/// <summary>The one thread that writes: whatever waits is written together, and shares one flush or fsync.</summary>
/// <remarks>
/// While the disk works for one group the next one gathers, so nothing is delayed to be grouped. One thread decides in one
/// order which keys are new, so the number of keys goes into the very batch that changes it.
/// </remarks>
internal sealed class GroupWriter : IDisposable
{
    private const long GroupBytesMax = 4 * 1024 * 1024;    // One large write fills a group; small ones share a disk's wait.
    private static readonly TimeSpan s_probeEvery = TimeSpan.FromSeconds(1);    // While writes fail.

    private readonly StoreEngine _engine;
    private readonly StoreHealth _health;
    private readonly LongValueNumbers _numbers;
    private readonly long _queuedBytesMax;
    private readonly Queue<PendingWrite> _queue = new();
    private readonly List<PendingWrite> _group = [];
    private readonly Dictionary<ReadOnlyMemory<byte>, KeyState> _decided = new(KeyComparer.Instance);    // In the group so far.
    private readonly object _gate = new();
    private readonly Thread _thread;
    private long _queuedBytes;
    private long _count;
    private bool _closing;

    public GroupWriter(StoreEngine engine, StoreSettings settings, LongValueNumbers numbers, StoreHealth health)
    {
        _engine = engine;
        _numbers = numbers;
        _health = health;
        _queuedBytesMax = settings.QueuedBytesMax;
        _count = engine.ReadCount();
        _thread = new Thread(Run) { IsBackground = true, Name = "store writer" };
        _thread.Start();
    }

    /// <summary>Keys after the last group.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>Groups written so far: how far writes share.</summary>
    public long Groups { get; private set; }

    /// <summary>Takes a write.</summary>
    public Task<WriteReceipt> Add(IReadOnlyList<StoreChange> changes, long bytes, Durability durability)
    {
        var pending = new PendingWrite(changes, bytes, durability);
        lock (_gate)
        {
            if (_closing) return Refuse(StoreFault.Closed, "The store is closed.");
            if (_queue.Count > 0 && bytes > _queuedBytesMax - _queuedBytes)
            {
                return Refuse(StoreFault.Overloaded, $"Writes of {_queuedBytes} bytes wait already.");
            }

            _queue.Enqueue(pending);
            _queuedBytes += bytes;
            Monitor.Pulse(_gate);
        }

        return pending.Answer.Task;
    }

    /// <summary>Writes what waits, and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private static Task<WriteReceipt> Refuse(StoreFault fault, string message) =>
        Task.FromException<WriteReceipt>(new StoreException(fault, message));

    private void Run()
    {
        while (TryGather())
        {
            try
            {
                WriteGroup();
            }
            catch (Exception failure)
            {
                // Whatever it is, each writer gets it, and the next group has its chance.
                foreach (PendingWrite write in _group)
                    write.Answer.TrySetException(new StoreException(StoreFault.Failed, StoreFaultText.OfWrite(failure), failure));
            }
        }
    }

    private bool TryGather()
    {
        _group.Clear();
        _decided.Clear();
        bool isProbe = false;
        lock (_gate)
        {
            while (_queue.Count == 0 && !_closing)
            {
                if (!_health.IsFailing) Monitor.Wait(_gate);
                else if (!Monitor.Wait(_gate, s_probeEvery))
                {
                    isProbe = true;
                    break;
                }
            }

            long bytes = 0;
            while (_queue.TryPeek(out PendingWrite? write) && (bytes == 0 || bytes + write.Bytes <= GroupBytesMax))
            {
                _queue.Dequeue();
                _queuedBytes -= write.Bytes;
                bytes += write.Bytes;
                _group.Add(write);
            }
        }

        return _group.Count > 0 || isProbe;
    }

    // An empty group is a probe: whether the disk takes writes again, although no one asks for one.
    private void WriteGroup()
    {
        using var batch = new WriteBatch();
        long count = _count, sequence = _engine.Sequence;
        var strongest = Durability.Memory;
        foreach (PendingWrite write in _group)
        {
            foreach (StoreChange change in write.Changes) Apply(batch, change, write);
            count += write.Created - write.Deleted;

            // The number of keys is a change of the batch, too: so the last tail is what the database then says of itself.
            write.Sequence = batch.Count() == 0 ? sequence : sequence + batch.Count() + 1;
            if (write.Durability > strongest) strongest = write.Durability;
        }

        if (batch.Count() > 0 || _group.Count == 0)
        {
            Records.PutCount(batch, count);
            Commit(batch, sequence, sync: strongest == Durability.Disk || _group.Count == 0);
            Volatile.Write(ref _count, count);
        }
        else if (strongest == Durability.Disk)
        {
            _engine.FlushLog(sync: true);
        }

        if (_group.Count == 0) return;
        Groups++;
        foreach (PendingWrite write in _group) write.Answer.SetResult(new WriteReceipt(write.Sequence, write.Created, write.Deleted));
    }

    // The library writes its log before it shows anything to a reader, so a write that fails changes nothing that is read. What
    // of it stands in the log already is disconnected, or it would be there after a restart.
    private void Commit(WriteBatch batch, long before, bool sync)
    {
        try
        {
            _engine.Write(batch, sync);
        }
        catch (RocksDbSharpException failure)
        {
            if (_group.Count > 0) _health.Fail(failure);
            else _health.FailProbe(failure, _engine.TryWriteFile());
            _engine.CutLogBehind(before);
            throw;
        }

        _health.Recover();
    }

    private void Apply(WriteBatch batch, in StoreChange change, PendingWrite write)
    {
        switch (change.Kind)
        {
            case ChangeKind.Part:
                if (change.Long.Length == 0) Records.Mark(batch, change.Long.Number);
                Records.PutPart(batch, change.Long.Number, change.Long.Length / LongValue.PartBytes, change.Value.Span);
                return;
            case ChangeKind.Drop:
                Records.DeleteParts(batch, change.Long);
                Records.Unmark(batch, change.Long.Number);
                return;
            default:
                ApplyToKey(batch, change, write);
                return;
        }
    }

    private void ApplyToKey(WriteBatch batch, in StoreChange change, PendingWrite write)
    {
        if (!_decided.TryGetValue(change.Key, out KeyState before)) before = _engine.Look(change.Key.Span);
        LongValue? parts = change.Kind == ChangeKind.Publish ? change.Long : null;
        if (change.Kind == ChangeKind.Put && change.Value.Length > LongValue.PartBytes)
            parts = new LongValue(_numbers.Next(), change.Value.Length);
        _decided[change.Key] = new KeyState(!change.IsDelete, parts);
        if (before.Long is { } former) Records.DeleteParts(batch, former);
        if (change.IsDelete)
        {
            if (!before.Exists) return;
            write.Deleted++;
            Records.Delete(batch, change.Key.Span);
            return;
        }

        if (!before.Exists) write.Created++;
        if (change.Kind == ChangeKind.Publish) Records.PutLong(batch, change.Key.Span, change.Long);
        else if (parts is { } cut) Records.PutInParts(batch, change.Key.Span, cut, change.Value.Span);
        else Records.Put(batch, change.Key.Span, change.Value.Span);
    }

    private sealed class PendingWrite(IReadOnlyList<StoreChange> changes, long bytes, Durability durability)
    {
        public IReadOnlyList<StoreChange> Changes => changes;

        public long Bytes => bytes;

        public Durability Durability => durability;

        /// <summary>Where the log is behind its last change.</summary>
        public long Sequence { get; set; }

        public int Created { get; set; }

        public int Deleted { get; set; }

        public TaskCompletionSource<WriteReceipt> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
