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

    private readonly StoreEngine _engine;
    private readonly long _queuedBytesMax;
    private readonly Queue<PendingWrite> _queue = new();
    private readonly List<PendingWrite> _group = [];
    private readonly Dictionary<ReadOnlyMemory<byte>, KeyState> _decided = new(KeyComparer.Instance);    // In the group so far.
    private readonly object _gate = new();
    private readonly Thread _thread;
    private long _queuedBytes;
    private long _count;
    private bool _closing;

    public GroupWriter(StoreEngine engine, StoreSettings settings)
    {
        _engine = engine;
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
                // Whatever it is, each writer hears of it, and the next group has its chance.
                string message = $"The store cannot write: {failure.Message}";
                foreach (PendingWrite write in _group) write.Answer.TrySetException(new StoreException(StoreFault.Failed, message, failure));
            }
        }
    }

    private bool TryGather()
    {
        _group.Clear();
        _decided.Clear();
        lock (_gate)
        {
            while (_queue.Count == 0 && !_closing) Monitor.Wait(_gate);
            long bytes = 0;
            while (_queue.TryPeek(out PendingWrite? write) && (bytes == 0 || bytes + write.Bytes <= GroupBytesMax))
            {
                _queue.Dequeue();
                _queuedBytes -= write.Bytes;
                bytes += write.Bytes;
                _group.Add(write);
            }
        }

        return _group.Count > 0;
    }

    private void WriteGroup()
    {
        using var batch = new WriteBatch();
        long count = _count;
        var strongest = Durability.Memory;
        foreach (PendingWrite write in _group)
        {
            foreach (StoreChange change in write.Changes) Apply(batch, change, write);
            count += write.Created - write.Deleted;
            if (write.Durability > strongest) strongest = write.Durability;
        }

        if (batch.Count() > 0)
        {
            Records.PutCount(batch, count);
            _engine.Write(batch);
            Volatile.Write(ref _count, count);
        }

        if (strongest != Durability.Memory) _engine.FlushLog(sync: strongest == Durability.Disk);
        Groups++;
        long sequence = _engine.Sequence;
        foreach (PendingWrite write in _group) write.Answer.SetResult(new WriteReceipt(sequence, write.Created, write.Deleted));
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
                Records.DeleteParts(batch, change.Long.Number);
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
        _decided[change.Key] = new KeyState(!change.IsDelete, change.Kind == ChangeKind.Publish ? change.Long : null);
        if (before.Long is { } former) Records.DeleteParts(batch, former.Number);
        if (change.IsDelete)
        {
            if (!before.Exists) return;
            write.Deleted++;
            Records.Delete(batch, change.Key.Span);
            return;
        }

        if (!before.Exists) write.Created++;
        if (change.Kind == ChangeKind.Publish) Records.PutLong(batch, change.Key.Span, change.Long);
        else Records.Put(batch, change.Key.Span, change.Value.Span);
    }

    private sealed class PendingWrite(IReadOnlyList<StoreChange> changes, long bytes, Durability durability)
    {
        public IReadOnlyList<StoreChange> Changes => changes;

        public long Bytes => bytes;

        public Durability Durability => durability;

        public int Created { get; set; }

        public int Deleted { get; set; }

        public TaskCompletionSource<WriteReceipt> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
