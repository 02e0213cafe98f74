using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Broker.Actors.Limits;

/// <summary>
/// What an address is counted by: of IPv4 all of it, however it is written; of IPv6 the network of 64 bits that one client has.
/// </summary>
internal static class AddressKey
{
    /// <summary>The key of an address.</summary>
    internal static UInt128 Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6)
        {
            address.MapToIPv6().TryWriteBytes(bytes, out _);
            return BinaryPrimitives.ReadUInt128BigEndian(bytes);
        }

        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
