using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Store;

/// <summary>The arguments of read and of exists: one key, all of the bytes.</summary>
public readonly ref struct KeyArguments : IStoreValue<KeyArguments>
{
    /// <summary>1 to 65,535 bytes.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <inheritdoc />
    public int Bytes => Key.Length;

    /// <inheritdoc />
    public static KeyArguments Read(scoped ref BodyReader body) => new() { Key = StoreCodec.LastKey(ref body) };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutBytes(Key);
}

/// <summary>The result of read: the value, if there is one.</summary>
public readonly ref struct ValueResult : IStoreValue<ValueResult>
{
    /// <summary>Whether the key is there.</summary>
    public bool IsFound { get; init; }

    /// <summary>Its value; empty if it is not.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <inheritdoc />
    public int Bytes => 1 + Value.Length;

    /// <inheritdoc />
    public static ValueResult Read(scoped ref BodyReader body)
    {
        bool isFound = StoreCodec.NextBool(ref body);
        ReadOnlySpan<byte> value = isFound ? body.Rest() : default;
        return new() { IsFound = isFound, Value = value };
    }

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)(IsFound ? 1 : 0));
        body.PutBytes(Value);
    }
}

/// <summary>The arguments of write.</summary>
public readonly ref struct WriteArguments : IStoreValue<WriteArguments>
{
    /// <summary>What it has to outlive.</summary>
    public Durability Durability { get; init; }

    /// <summary>1 to 65,535 bytes.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>Any bytes, or none.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <inheritdoc />
    public int Bytes => 3 + Key.Length + Value.Length;

    /// <inheritdoc />
    public static WriteArguments Read(scoped ref BodyReader body) => new()
    {
        Durability = StoreCodec.NextDurability(ref body),
        Key = StoreCodec.NextKey(ref body),
        Value = body.Rest(),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)Durability);
        body.PutShortBytes(Key);
        body.PutBytes(Value);
    }
}

/// <summary>The arguments of delete.</summary>
public readonly ref struct DeleteArguments : IStoreValue<DeleteArguments>
{
    /// <summary>What it has to outlive.</summary>
    public Durability Durability { get; init; }

    /// <summary>1 to 65,535 bytes.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <inheritdoc />
    public int Bytes => 3 + Key.Length;

    /// <inheritdoc />
    public static DeleteArguments Read(scoped ref BodyReader body) => new()
    {
        Durability = StoreCodec.NextDurability(ref body),
        Key = StoreCodec.NextKey(ref body),
    };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)Durability);
        body.PutShortBytes(Key);
    }
}

/// <summary>The result of delete.</summary>
public readonly ref struct DeleteResult : IStoreValue<DeleteResult>
{
    /// <summary>Whether the key was there. If not, nothing has changed.</summary>
    public bool WasFound { get; init; }

    /// <summary>The store's place after it; see <see cref="NumberResult"/>.</summary>
    public ulong Tail { get; init; }

    /// <inheritdoc />
    public int Bytes => 9;

    /// <inheritdoc />
    public static DeleteResult Read(scoped ref BodyReader body) =>
        new() { WasFound = StoreCodec.NextBool(ref body), Tail = body.NextLong() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
        body.PutByte((byte)(WasFound ? 1 : 0));
        body.PutLong(Tail);
    }
}

/// <summary>The result of exists and of is_empty.</summary>
public readonly ref struct BoolResult : IStoreValue<BoolResult>
{
    /// <summary>The answer.</summary>
    public bool Value { get; init; }

    /// <inheritdoc />
    public int Bytes => 1;

    /// <inheritdoc />
    public static BoolResult Read(scoped ref BodyReader body) => new() { Value = StoreCodec.NextBool(ref body) };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutByte((byte)(Value ? 1 : 0));
}

/// <summary>
/// The result of len (keys), of file_size (bytes), and of write and batch_write: the store's tail, a number that rises with
/// every change, so that two answers say which write came first.
/// </summary>
public readonly ref struct NumberResult : IStoreValue<NumberResult>
{
    /// <summary>The number.</summary>
    public ulong Value { get; init; }

    /// <inheritdoc />
    public int Bytes => sizeof(ulong);

    /// <inheritdoc />
    public static NumberResult Read(scoped ref BodyReader body) => new() { Value = body.NextLong() };

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body) => body.PutLong(Value);
}

/// <summary>The arguments of len, is_empty and file_size: none.</summary>
public readonly ref struct NoArguments : IStoreValue<NoArguments>
{
    /// <inheritdoc />
    public int Bytes => 0;

    /// <inheritdoc />
    public static NoArguments Read(scoped ref BodyReader body) => default;

    /// <inheritdoc />
    public void Write(scoped ref BodyWriter body)
    {
    }
}
