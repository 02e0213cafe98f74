using RocksDbSharp;

namespace Broker.Store;

/// <summary>What is done once when a database is opened: its format is looked at, and what a crash left is swept out.</summary>
internal sealed class StoreOpening(StoreEngine engine, string folder)
{
    private const long FormerFormat = 2;
    private const int RecordsAtOnce = 1000;
    private const int BytesAtOnce = 4 * 1024 * 1024;

    /// <summary>Makes the database ready.</summary>
    /// <exception cref="StoreException">It is of another format.</exception>
    public void Run()
    {
        switch (engine.ReadNumber(Records.FormatKey))
        {
            case Records.Format: break;
            case 1 or FormerFormat: Upgrade(); break;
            case null when IsEmpty(): Upgrade(); break;
            default: throw new StoreException(StoreFault.Failed, $"The folder {folder} holds no store of format {Records.Format}.");
        }

        Sweep();
    }

    private bool IsEmpty()
    {
        using Iterator first = engine.SeekRecord([0]);
        StoreEngine.ThrowIfFailed(first);
        return !first.Valid();
    }

    // A few records at a time, each batch as a whole: an upgrade that is stopped goes on with the next start. Format 1 had clients'
    // keys under another first byte; formats 1 and 2 had long values whole.
    private void Upgrade()
    {
        var numbers = new LongValueNumbers(engine.LastNumber());
        byte[]? next;
        do
        {
            using var batch = new WriteBatch();
            next = MoveSome(batch, numbers);
            if (batch.Count() > 0) engine.Write(batch);
        }
        while (next is not null);

        next = [Records.Client];
        do
        {
            using var batch = new WriteBatch();
            next = CutSome(batch, numbers, next);
            if (next is null) Records.PutFormat(batch);
            if (batch.Count() > 0) engine.Write(batch);
        }
        while (next is not null);
        engine.FlushLog(sync: true);
    }

    // What is moved is deleted, so the next round finds the rest.
    private byte[]? MoveSome(WriteBatch batch, LongValueNumbers numbers)
    {
        using Iterator former = engine.SeekRecord([Records.FormerClient]);
        int bytes = 0;
        for (int i = 0; former.Valid() && former.GetKeySpan()[0] == Records.FormerClient; i++, former.Next())
        {
            ReadOnlySpan<byte> record = former.GetKeySpan(), value = former.GetValueSpan();
            if (i == RecordsAtOnce || bytes >= BytesAtOnce) return record.ToArray();
            if (value.Length > LongValue.PartBytes)
                Records.PutInParts(batch, record[1..], new LongValue(numbers.Next(), value.Length), value);
            else Records.Put(batch, record[1..], value);
            batch.Delete(record);
            bytes += value.Length;
        }

        StoreEngine.ThrowIfFailed(former);
        return null;
    }

    private byte[]? CutSome(WriteBatch batch, LongValueNumbers numbers, byte[] from)
    {
        using Iterator records = engine.SeekRecord(from);
        int bytes = 0;
        for (; records.Valid() && records.GetKeySpan()[0] == Records.Client; records.Next())
        {
            if (bytes >= BytesAtOnce) return records.GetKeySpan().ToArray();
            ReadOnlySpan<byte> kept = records.GetValueSpan();
            if (kept[0] != LongValue.Whole || kept.Length - 1 <= LongValue.PartBytes) continue;
            Records.PutInParts(batch, records.GetKeySpan()[1..], new LongValue(numbers.Next(), kept.Length - 1), kept[1..]);
            bytes += kept.Length;
        }

        StoreEngine.ThrowIfFailed(records);
        return null;
    }

    // Values that were being written when the process ended: no one was told that they are there.
    private void Sweep()
    {
        using var batch = new WriteBatch();
        using (Iterator marks = engine.SeekRecord([Records.Unfinished]))
        {
            for (; marks.Valid() && marks.GetKeySpan()[0] == Records.Unfinished; marks.Next())
            {
                ulong value = Records.NumberOf(marks.GetKeySpan());
                Records.DeleteParts(batch, value);
                Records.Unmark(batch, value);
            }

            StoreEngine.ThrowIfFailed(marks);
        }

        if (batch.Count() == 0) return;
        engine.Write(batch);
        engine.FlushLog(sync: true);
    }
}
