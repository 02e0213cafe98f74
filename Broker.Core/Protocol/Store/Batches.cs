using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Store;

// A batch is a count and so many items. It is judged to its end before its first item is handed out, so that a batch is
// refused as a whole; and it is kept as its bytes, so that nothing is allocated from the count.

/// <summary>The arguments of batch_read: keys, read one by one with <see cref="GetEnumerator"/>.</summary>
public readonly ref struct KeyBatch : IStoreValue<KeyBatch>
{
    private readonly ReadOnlySpan<byte> _keys;

    private KeyBatch(int count, ReadOnlySpan<byte> keys)
    {
        Count = count;
        _keys = keys;
    }

    /// <summary>How many.</summary>
    public int Count { get; }

    /// <inheritdoc />
    public int Bytes => sizeof(uint) + _keys.Length;

    /// <summary>A batch of keys that are encoded already, each as two bytes of length and the key.</summary>
    public static KeyBatch Of(int count, ReadOnlySpan<byte> keys) => new(count, keys);

    /// <inheritdoc />
    public static KeyBatch Read(scoped ref BodyReader body)
    {
        int count = body.NextCount();
        ReadOnlySpan<byte> keys = body.Rest();
        var walk = new BodyReader(keys);
        for (int i = 0; i < count && walk.Fault == NativeFault.None; i++) StoreCodec.NextKey(ref walk);
        if (walk.End() != NativeFault.None) body.Fail(NativeFault.Malformed);
        return new KeyBatch(count, keys);
    }

    /// <summary>Begins before the first key.</summary>
    public Enumerator GetEnumerator() => new(_keys);

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord((uint)Count);
        body.PutBytes(_keys);
    }

    /// <summary>Goes through the keys.</summary>
    /// <param name="keys">Judged before.</param>
    public ref struct Enumerator(ReadOnlySpan<byte> keys)
    {
        private BodyReader _rest = new(keys);

        /// <summary>The key. Borrowed.</summary>
        public ReadOnlySpan<byte> Current { get; private set; }

        /// <summary>Moves to the next key; false after the last.</summary>
        public bool MoveNext()
        {
            if (_rest.Left == 0) return false;
            Current = StoreCodec.NextKey(ref _rest);
            return true;
        }
    }
}

/// <summary>One value of a <see cref="ValueBatch"/>.</summary>
public readonly ref struct FoundValue
{
    /// <summary>In place of a length: the key is not there.</summary>
    public const uint Missing = uint.MaxValue;

    /// <summary>Whether the key is there.</summary>
    public bool IsFound { get; init; }

    /// <summary>Its value. Borrowed.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>Bytes in a batch.</summary>
    public int Bytes => sizeof(uint) + Value.Length;

    /// <summary>Writes it as it stands in a batch.</summary>
    public void Write(scoped ref BodyWriter body)
    {
        if (IsFound) body.PutLongBytes(Value);
        else body.PutWord(Missing);
    }

    internal static FoundValue Read(scoped ref BodyReader body)
    {
        uint length = body.NextWord();
        if (length == Missing) return default;
        if (length > int.MaxValue) body.Fail(NativeFault.Malformed);
        return new() { IsFound = true, Value = body.NextBytes((int)(length & int.MaxValue)) };
    }
}

/// <summary>The result of batch_read: a value for each key, in the order of the keys.</summary>
public readonly ref struct ValueBatch : IStoreValue<ValueBatch>
{
    private readonly ReadOnlySpan<byte> _values;

    private ValueBatch(int count, ReadOnlySpan<byte> values)
    {
        Count = count;
        _values = values;
    }

    /// <summary>How many.</summary>
    public int Count { get; }

    /// <inheritdoc />
    public int Bytes => sizeof(uint) + _values.Length;

    /// <summary>A batch of values that are encoded already; see <see cref="FoundValue.Write"/>.</summary>
    public static ValueBatch Of(int count, ReadOnlySpan<byte> values) => new(count, values);

    /// <inheritdoc />
    public static ValueBatch Read(scoped ref BodyReader body)
    {
        int count = body.NextCount();
        ReadOnlySpan<byte> values = body.Rest();
        var walk = new BodyReader(values);
        for (int i = 0; i < count && walk.Fault == NativeFault.None; i++) FoundValue.Read(ref walk);
        if (walk.End() != NativeFault.None) body.Fail(NativeFault.Malformed);
        return new ValueBatch(count, values);
    }

    /// <summary>Begins before the first value.</summary>
    public Enumerator GetEnumerator() => new(_values);

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutWord((uint)Count);
        body.PutBytes(_values);
    }

    /// <summary>Goes through the values.</summary>
    /// <param name="values">Judged before.</param>
    public ref struct Enumerator(ReadOnlySpan<byte> values)
    {
        private BodyReader _rest = new(values);

        /// <summary>The value, or that there is none.</summary>
        public FoundValue Current { get; private set; }

        /// <summary>Moves to the next value; false after the last.</summary>
        public bool MoveNext()
        {
            if (_rest.Left == 0) return false;
            Current = FoundValue.Read(ref _rest);
            return true;
        }
    }
}

/// <summary>One change of a <see cref="ChangeBatch"/>.</summary>
public readonly ref struct Change
{
    /// <summary>Deletes the key instead of setting it.</summary>
    public bool IsDelete { get; init; }

    /// <summary>1 to 65,535 bytes. Borrowed.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>The value; empty for a delete. Borrowed.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>Bytes in a batch.</summary>
    public int Bytes => 3 + Key.Length + (IsDelete ? 0 : sizeof(uint) + Value.Length);

    /// <summary>Writes it as it stands in a batch.</summary>
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)(IsDelete ? 1 : 0));
        body.PutShortBytes(Key);
        if (!IsDelete) body.PutLongBytes(Value);
    }

    internal static Change Read(scoped ref BodyReader body)
    {
        bool isDelete = StoreCodec.NextBool(ref body);
        ReadOnlySpan<byte> key = StoreCodec.NextKey(ref body);
        ReadOnlySpan<byte> value = isDelete ? default : body.NextLongBytes();
        return new() { IsDelete = isDelete, Key = key, Value = value };
    }
}

/// <summary>The arguments of batch_write: changes in their order, the last of a key counts, and all happen or none.</summary>
public readonly ref struct ChangeBatch : IStoreValue<ChangeBatch>
{
    private readonly ReadOnlySpan<byte> _changes;

    private ChangeBatch(Durability durability, int count, ReadOnlySpan<byte> changes)
    {
        Durability = durability;
        Count = count;
        _changes = changes;
    }

    /// <summary>What they have to outlive.</summary>
    public Durability Durability { get; }

    /// <summary>How many.</summary>
    public int Count { get; }

    /// <inheritdoc />
    public int Bytes => 5 + _changes.Length;

    /// <summary>A batch of changes that are encoded already; see <see cref="Change.Write"/>.</summary>
    public static ChangeBatch Of(Durability durability, int count, ReadOnlySpan<byte> changes) => new(durability, count, changes);

    /// <inheritdoc />
    public static ChangeBatch Read(scoped ref BodyReader body)
    {
        Durability durability = StoreCodec.NextDurability(ref body);
        int count = body.NextCount();
        ReadOnlySpan<byte> changes = body.Rest();
        var walk = new BodyReader(changes);
        for (int i = 0; i < count && walk.Fault == NativeFault.None; i++) Change.Read(ref walk);
        if (walk.End() != NativeFault.None) body.Fail(NativeFault.Malformed);
        return new ChangeBatch(durability, count, changes);
    }

    /// <summary>Begins before the first change.</summary>
    public Enumerator GetEnumerator() => new(_changes);

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)Durability);
        body.PutWord((uint)Count);
        body.PutBytes(_changes);
    }

    /// <summary>Goes through the changes.</summary>
    /// <param name="changes">Judged before.</param>
    public ref struct Enumerator(ReadOnlySpan<byte> changes)
    {
        private BodyReader _rest = new(changes);

        /// <summary>The change.</summary>
        public Change Current { get; private set; }

        /// <summary>Moves to the next change; false after the last.</summary>
        public bool MoveNext()
        {
            if (_rest.Left == 0) return false;
            Current = Change.Read(ref _rest);
            return true;
        }
    }
}
