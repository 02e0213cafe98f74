using System.Text;
using RocksDbSharp;

namespace Broker.Store;

/// <summary>
/// Puts in order what a store says of itself, after records of it were lost: values without all their parts, parts without a value, the
/// number of keys.
/// </summary>
internal sealed class ContentRepair(StoreEngine engine, StoreReport report)
{
    private const int BatchRecordsMax = 1000;

    private readonly HashSet<ulong> _whole = [];
    private long _keys;

    public static void Run(string folder, StoreReport report)
    {
        using StoreEngine engine = StoreEngine.OpenRepaired(folder);
        var repair = new ContentRepair(engine, report);
        repair.CheckKeys();
        repair.SweepParts();
        using var batch = new WriteBatch();
        Records.PutCount(batch, repair._keys);
        if (engine.ReadNumber(Records.FormatKey) is null) Records.PutFormat(batch);
        engine.Write(batch, sync: true);
        report.AddNote($"The store has {repair._keys} keys.");
    }

    private void CheckKeys()
    {
        using StoreEngine.Moment moment = engine.Freeze(fillsCache: false);
        using Iterator keys = engine.SeekRecord([Records.Client], moment.At);
        using var batch = new WriteBatch();
        for (; keys.Valid() && keys.GetKeySpan()[0] == Records.Client; keys.Next())
        {
            if (LongValue.Of(keys.GetValueSpan()) is { } parts && !_whole.Add(parts.Number) | !HasAll(parts, moment))
            {
                _whole.Remove(parts.Number);
                report.AddDamage(
                    $"The value of the key \"{Encoding.UTF8.GetString(keys.GetKeySpan()[1..])}\" is lost: not all of its {parts.Length} "
                        + $"bytes are there.");
                Records.Delete(batch, keys.GetKeySpan()[1..]);
                Flush(batch, BatchRecordsMax);
                continue;
            }

            _keys++;
        }

        StoreEngine.ThrowIfFailed(keys);
        Flush(batch, recordsMax: 0);
    }

    private bool HasAll(LongValue value, StoreEngine.Moment moment)
    {
        long bytes = 0;
        for (long i = 0; bytes < value.Length; i++)
        {
            using PinnedValue? part = engine.GetPart(value.Number, i, moment.At);
            if (part is null || part.Length != Math.Min(LongValue.PartBytes, value.Length - bytes)) return false;
            bytes += part.Length;
        }

        return true;
    }

    private void SweepParts()
    {
        using var batch = new WriteBatch();
        using Iterator parts = engine.SeekRecord([Records.Part]);
        for (; parts.Valid() && parts.GetKeySpan()[0] == Records.Part; parts.Next())
        {
            if (_whole.Contains(Records.NumberOf(parts.GetKeySpan()))) continue;
            batch.Delete(parts.GetKeySpan());
            Flush(batch, BatchRecordsMax);
        }

        StoreEngine.ThrowIfFailed(parts);
        Flush(batch, recordsMax: 0);
    }

    private void Flush(WriteBatch batch, int recordsMax)
    {
        if (batch.Count() <= recordsMax) return;
        engine.Write(batch);
        batch.Clear();
    }
}
