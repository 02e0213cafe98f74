using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Store;

/// <summary>Bounds of the streams of a store's value.</summary>
public static class ValueStreams
{
    /// <summary>What a client cuts a value into: the hub keeps it in parts of as many bytes.</summary>
    public const int PieceBytes = 64 * 1024;

    /// <summary>The longest item of a scan: the data of the longest frame that every client takes.</summary>
    public const int ScanItemBytesMax = 256 * 1024;

    /// <summary>In the place of a number of bytes: it is not known, or as many as there are.</summary>
    public const ulong AnyLength = ulong.MaxValue;
}

/// <summary>The arguments of write_stream; the value follows as items.</summary>
public readonly ref struct WriteStreamArguments : IStoreValue<WriteStreamArguments>
{
    /// <summary>What it has to outlive.</summary>
    public Durability Durability { get; init; }

    /// <summary>Bytes of all items, or <see cref="ValueStreams.AnyLength"/>.</summary>
    public ulong Length { get; init; }

    /// <summary>1 to 65,535 bytes.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <inheritdoc />
    public int Bytes => 9 + Key.Length;

    /// <inheritdoc />
    public static WriteStreamArguments Read(scoped ref BodyReader body) => new()
    {
        Durability = StoreCodec.NextDurability(ref body),
        Length = body.NextLong(),
        Key = StoreCodec.LastKey(ref body),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)Durability);
        body.PutLong(Length);
        body.PutBytes(Key);
    }
}

/// <summary>
/// The arguments of read_stream. Its first item is the length of the whole value, a <see cref="NumberResult"/>; the others are its bytes.
/// </summary>
public readonly ref struct ReadStreamArguments : IStoreValue<ReadStreamArguments>
{
    /// <summary>The first byte wanted.</summary>
    public ulong From { get; init; }

    /// <summary>The most bytes wanted, or <see cref="ValueStreams.AnyLength"/>.</summary>
    public ulong Length { get; init; }

    /// <summary>1 to 65,535 bytes.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <inheritdoc />
    public int Bytes => 16 + Key.Length;

    /// <inheritdoc />
    public static ReadStreamArguments Read(scoped ref BodyReader body) => new()
    {
        From = body.NextLong(),
        Length = body.NextLong(),
        Key = StoreCodec.LastKey(ref body),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutLong(From);
        body.PutLong(Length);
        body.PutBytes(Key);
    }
}

/// <summary>The arguments of scan_stream, whose items are <see cref="ScanItem"/>s.</summary>
public readonly ref struct ScanStreamArguments : IStoreValue<ScanStreamArguments>
{
    private const byte KeysOnlyBit = 1;

    /// <summary>Leaves the values out.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>The most entries wanted; 0 for all.</summary>
    public ulong Limit { get; init; }

    /// <summary>What the keys begin with; empty for all.</summary>
    public ReadOnlySpan<byte> Prefix { get; init; }

    /// <summary>Begins with the first key that is not below it; empty for the first.</summary>
    public ReadOnlySpan<byte> From { get; init; }

    /// <inheritdoc />
    public int Bytes => 13 + Prefix.Length + From.Length;

    /// <inheritdoc />
    public static ScanStreamArguments Read(scoped ref BodyReader body) => new()
    {
        KeysOnly = (body.NextFlags(KeysOnlyBit) & KeysOnlyBit) != 0,
        Limit = body.NextLong(),
        Prefix = body.NextShortBytes(),
        From = body.NextShortBytes(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte(KeysOnly ? KeysOnlyBit : (byte)0);
        body.PutLong(Limit);
        body.PutShortBytes(Prefix);
        body.PutShortBytes(From);
    }
}

/// <summary>One entry of a <see cref="ScanItem"/>.</summary>
public readonly ref struct ScanItemEntry
{
    private const byte ValueBit = 1;

    /// <summary>The key. Borrowed.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>Whether the value is here: not where only keys were wanted, or where it is too long for an item.</summary>
    public bool HasValue { get; init; }

    /// <summary>Bytes of the value, be it here or not.</summary>
    public long ValueLength { get; init; }

    /// <summary>The value, if it is here. Borrowed.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>Bytes in an item.</summary>
    public long Bytes => 11 + Key.Length + (HasValue ? ValueLength : 0);

    /// <summary>Writes it as it stands in an item.</summary>
    public void Write(scoped ref BodyWriter body)
    {
        body.PutShortBytes(Key);
        body.PutByte(HasValue ? ValueBit : (byte)0);
        body.PutLong((ulong)ValueLength);
        if (HasValue) body.PutBytes(Value);
    }

    internal static ScanItemEntry Read(scoped ref BodyReader body)
    {
        ReadOnlySpan<byte> key = StoreCodec.NextKey(ref body);
        bool hasValue = body.NextFlags(ValueBit) != 0;
        long length = body.NextLength();
        ReadOnlySpan<byte> value = hasValue ? body.NextBytes((int)Math.Min(length, int.MaxValue)) : default;
        return new() { Key = key, HasValue = hasValue, ValueLength = length, Value = value };
    }
}

/// <summary>One item of scan_stream: entries in the order of their keys, one right behind the other, at least one.</summary>
public readonly ref struct ScanItem : IStoreValue<ScanItem>
{
    private readonly ReadOnlySpan<byte> _entries;

    private ScanItem(ReadOnlySpan<byte> entries) => _entries = entries;

    /// <inheritdoc />
    public int Bytes => _entries.Length;

    /// <summary>An item of entries that are encoded already.</summary>
    public static ScanItem Of(ReadOnlySpan<byte> entries) => new(entries);

    /// <inheritdoc />
    public static ScanItem Read(scoped ref BodyReader body)
    {
        ReadOnlySpan<byte> entries = body.Rest();
        if (entries.IsEmpty) body.Fail(NativeFault.Malformed);
        var walk = new BodyReader(entries);
        while (walk.Left > 0 && walk.Fault == NativeFault.None) ScanItemEntry.Read(ref walk);
        if (walk.End() != NativeFault.None) body.Fail(NativeFault.Malformed);
        return new ScanItem(entries);
    }

    /// <summary>Begins before the first entry.</summary>
    public Enumerator GetEnumerator() => new(_entries);

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutBytes(_entries);

    /// <summary>Goes through the entries.</summary>
    /// <param name="entries">Judged before.</param>
    public ref struct Enumerator(ReadOnlySpan<byte> entries)
    {
        private BodyReader _rest = new(entries);

        /// <summary>The entry.</summary>
        public ScanItemEntry Current { get; private set; }

        /// <summary>Moves to the next entry; false after the last.</summary>
        public bool MoveNext()
        {
            if (_rest.Left == 0) return false;
            Current = ScanItemEntry.Read(ref _rest);
            return true;
        }
    }
}
