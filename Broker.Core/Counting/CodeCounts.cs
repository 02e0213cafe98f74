namespace Broker.Core.Counting;

/// <summary>How often each code of a table came, and all others together. From any thread.</summary>
/// <param name="table">The codes that are counted each by itself.</param>
public sealed class CodeCounts(CodeTable table)
{
    private readonly long[] _counts = new long[table.Count];

    /// <summary>The codes.</summary>
    public CodeTable Table => table;

    /// <summary>Counts one.</summary>
    public void Add(int code) => Interlocked.Increment(ref _counts[table.IndexOf(code)]);

    /// <summary>How often the code at a place of the table came.</summary>
    public long Read(int index) => Volatile.Read(ref _counts[index]);
}
