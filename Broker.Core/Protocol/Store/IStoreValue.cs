using System.Buffers;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Store;

/// <summary>Arguments or results of a store's method: their fields in their order, once for reading and once for writing.</summary>
/// <typeparam name="TSelf">The value itself. Its spans are borrowed from the call or result that it was read from.</typeparam>
public interface IStoreValue<TSelf>
    where TSelf : IStoreValue<TSelf>, allows ref struct
{
    /// <summary>Bytes of all fields.</summary>
    int Bytes { get; }

    /// <summary>Reads the fields. What is missing is 0 or empty, and <see cref="BodyReader.Fault"/> then says so.</summary>
    static abstract TSelf Read(scoped ref BodyReader body);

    /// <summary>Writes exactly <see cref="Bytes"/>.</summary>
    void Write(scoped ref BodyWriter body);
}

/// <summary>Reads and writes the store's arguments and results. Only <see cref="Encode"/> allocates.</summary>
public static class StoreCodec
{
    /// <summary>Reads a value as a whole.</summary>
    /// <returns>False when the bytes are not its fields: answer <see cref="FaultCode.BadArguments"/>.</returns>
    public static bool TryRead<T>(ReadOnlySpan<byte> bytes, out T value)
        where T : IStoreValue<T>, allows ref struct
    {
        var body = new BodyReader(bytes);
        value = T.Read(ref body);
        if (body.End() == NativeFault.None) return true;
        value = default!;
        return false;
    }

    /// <summary>Writes a value behind whatever the target has.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write<T>(IBufferWriter<byte> target, scoped in T value)
        where T : IStoreValue<T>, allows ref struct
    {
        int size = value.Bytes;
        var body = new BodyWriter(target.GetSpan(size)[..size]);
        value.Write(ref body);
        target.Advance(size);
        return size;
    }

    /// <summary>A value in an array of its own.</summary>
    public static byte[] Encode<T>(scoped in T value)
        where T : IStoreValue<T>, allows ref struct
    {
        byte[] bytes = new byte[value.Bytes];
        var body = new BodyWriter(bytes);
        value.Write(ref body);
        return bytes;
    }

    // Keys are 1 to 65,535 bytes: a length of two bytes that is not 0.
    internal static ReadOnlySpan<byte> NextKey(scoped ref BodyReader body)
    {
        ReadOnlySpan<byte> key = body.NextShortBytes();
        if (key.IsEmpty) body.Fail(NativeFault.Malformed);
        return key;
    }

    // To the end.
    internal static ReadOnlySpan<byte> LastKey(scoped ref BodyReader body)
    {
        if (body.Left is 0 or > ushort.MaxValue) body.Fail(NativeFault.Malformed);
        return body.Rest();
    }

    internal static Durability NextDurability(scoped ref BodyReader body)
    {
        var durability = (Durability)body.NextByte();
        if (durability > Durability.Disk) body.Fail(NativeFault.Malformed);
        return durability;
    }

    internal static bool NextBool(scoped ref BodyReader body) => body.NextFlags(1) != 0;
}

/// <summary>What a write has outlived when it is answered.</summary>
public enum Durability : byte
{
    /// <summary>Nothing that is promised: it may be lost if the process ends.</summary>
    Memory = 0,

    /// <summary>The process: it is with the operating system, and lost if that ends.</summary>
    System = 1,

    /// <summary>The machine's power: it is on the disk (fsync).</summary>
    Disk = 2,
}
