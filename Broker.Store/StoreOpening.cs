using RocksDbSharp;

namespace Broker.Store;

/// <summary>What is done once when a database is opened: its format is looked at, and what a crash left is swept out.</summary>
internal sealed class StoreOpening(StoreEngine engine, string folder)
{
    private const long FormerFormat = 1;
    private const int RecordsAtOnce = 1000;
    private const int BytesAtOnce = 4 * 1024 * 1024;

    /// <summary>Makes the database ready.</summary>
    /// <exception cref="StoreException">It is of another format.</exception>
    public void Run()
    {
        switch (engine.ReadNumber(Records.FormatKey))
        {
            case Records.Format: break;
            case FormerFormat: Upgrade(); break;
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

    // A few records at a time, each batch as a whole: an upgrade that is stopped goes on with the next start.
    private void Upgrade()
    {
        bool hasMore;
        do
        {
            using var batch = new WriteBatch();
            hasMore = MoveSome(batch);
            if (!hasMore) Records.PutFormat(batch);
            engine.Write(batch);
        }
        while (hasMore);
        engine.FlushLog(sync: true);
    }

    private bool MoveSome(WriteBatch batch)
    {
        using Iterator former = engine.SeekRecord([Records.FormerClient]);
        int bytes = 0;
        for (int i = 0; former.Valid() && former.GetKeySpan()[0] == Records.FormerClient; i++, former.Next())
        {
            if (i == RecordsAtOnce || bytes >= BytesAtOnce) return true;
            ReadOnlySpan<byte> record = former.GetKeySpan(), value = former.GetValueSpan();
            Records.Put(batch, record[1..], value);
            batch.Delete(record);
            bytes += value.Length;
        }

        StoreEngine.ThrowIfFailed(former);
        return false;
    }

    // Values that were being written when the process ended: nobody was told that they are there.
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
