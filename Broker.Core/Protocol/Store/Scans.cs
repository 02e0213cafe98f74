using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Store;

/// <summary>The arguments of scan: one page of the keys that begin with a prefix, in the order of their bytes.</summary>
public readonly ref struct ScanArguments : IStoreValue<ScanArguments>
{
    private const byte KeysOnlyBit = 1;

    /// <summary>Leaves the values out.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>The most entries wanted; the server may give fewer. Over 0.</summary>
    public int Limit { get; init; }

    /// <summary>What the keys begin with; empty for all.</summary>
    public ReadOnlySpan<byte> Prefix { get; init; }

    /// <summary>The last key of the page before; empty for the first page.</summary>
    public ReadOnlySpan<byte> After { get; init; }

    /// <inheritdoc />
    public int Bytes => 9 + Prefix.Length + After.Length;

    /// <inheritdoc />
    public static ScanArguments Read(scoped ref BodyReader body) => new()
    {
        KeysOnly = (body.NextFlags(KeysOnlyBit) & KeysOnlyBit) != 0,
        Limit = body.NextCount(min: 1),
        Prefix = body.NextShortBytes(),
        After = body.NextShortBytes(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte(KeysOnly ? KeysOnlyBit : (byte)0);
        body.PutWord((uint)Limit);
        body.PutShortBytes(Prefix);
        body.PutShortBytes(After);
    }
}

/// <summary>One entry of a <see cref="ScanPage"/>.</summary>
public readonly ref struct ScanEntry
{
    /// <summary>The key. Borrowed.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>Its value; empty if only keys were wanted. Borrowed.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>Bytes in a page.</summary>
    public int Bytes => 6 + Key.Length + Value.Length;

    /// <summary>Writes it as it stands in a page.</summary>
    public void Write(scoped ref BodyWriter body)
    {
        body.PutShortBytes(Key);
        body.PutLongBytes(Value);
    }

    internal static ScanEntry Read(scoped ref BodyReader body) =>
        new() { Key = StoreCodec.NextKey(ref body), Value = body.NextLongBytes() };
}

/// <summary>The result of scan.</summary>
public readonly ref struct ScanPage : IStoreValue<ScanPage>
{
    private readonly ReadOnlySpan<byte> _entries;

    private ScanPage(bool hasMore, int count, ReadOnlySpan<byte> entries)
    {
        HasMore = hasMore;
        Count = count;
        _entries = entries;
    }

    /// <summary>Whether another page follows: scan again after the last key.</summary>
    public bool HasMore { get; }

    /// <summary>How many.</summary>
    public int Count { get; }

    /// <inheritdoc />
    public int Bytes => 5 + _entries.Length;

    /// <summary>A page of entries that are encoded already; see <see cref="ScanEntry.Write"/>.</summary>
    public static ScanPage Of(bool hasMore, int count, ReadOnlySpan<byte> entries) => new(hasMore, count, entries);

    /// <inheritdoc />
    public static ScanPage Read(scoped ref BodyReader body)
    {
        bool hasMore = StoreCodec.NextBool(ref body);
        int count = body.NextCount();
        ReadOnlySpan<byte> entries = body.Rest();
        var walk = new BodyReader(entries);
        for (int i = 0; i < count && walk.Fault == NativeFault.None; i++) ScanEntry.Read(ref walk);
        if (walk.End() != NativeFault.None) body.Fail(NativeFault.Malformed);
        return new ScanPage(hasMore, count, entries);
    }

    /// <summary>Begins before the first entry.</summary>
    public Enumerator GetEnumerator() => new(_entries);

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)(HasMore ? 1 : 0));
        body.PutWord((uint)Count);
        body.PutBytes(_entries);
    }

    /// <summary>Goes through the entries.</summary>
    /// <param name="entries">Judged before.</param>
    public ref struct Enumerator(ReadOnlySpan<byte> entries)
    {
        private BodyReader _rest = new(entries);

        /// <summary>The entry.</summary>
        public ScanEntry Current { get; private set; }

        /// <summary>Moves to the next entry; false after the last.</summary>
        public bool MoveNext()
        {
            if (_rest.Left == 0) return false;
            Current = ScanEntry.Read(ref _rest);
            return true;
        }
    }
}
