using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>Calls of the keyed store by hand.</summary>
internal static class StoreCalls
{
    /// <summary>The key of a value that every host has.</summary>
    public static byte[] Key { get; } = "a"u8.ToArray();

    /// <summary>A call of a method.</summary>
    public static byte[] Of(uint call, string method, ReadOnlySpan<byte> arguments) =>
        HostileNativeClient.Call(call, MethodId.Of(method).Value, arguments);

    /// <summary>A write of the key.</summary>
    public static byte[] Write(uint call, byte[] value) => Of(call, StoreMethods.Write, [0, 1, 0, Key[0], .. value]);

    /// <summary>A call of write_stream on a key of its own, whose items follow.</summary>
    public static byte[] OpenWrite(uint call, ulong length = ulong.MaxValue, uint deadline = 0) => HostileNativeClient.Call(
        call, MethodId.Of(StoreMethods.WriteStream).Value, [0, .. Bytes8(length), .. Guid.NewGuid().ToByteArray()], deadline, options: 1);

    /// <summary>Reads the key's value so often with one call.</summary>
    public static byte[] ReadMany(uint call, byte times) => Of(
        call, StoreMethods.BatchRead, [times, 0, 0, 0, .. Enumerable.Repeat<byte[]>([1, 0, Key[0]], times).SelectMany(static key => key)]);

    /// <summary>A u64.</summary>
    public static byte[] Bytes8(ulong number) => BitConverter.GetBytes(number);
}
