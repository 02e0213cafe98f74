using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets;

/// <summary>The kernel's socket addresses, IPv4 and IPv6, to and from ours.</summary>
internal static unsafe class SocketAddress
{
    internal const int BytesMax = 28;

    /// <summary>Writes an address as the kernel wants it.</summary>
    /// <returns>Its length in bytes.</returns>
    internal static uint Write(IPEndPoint endPoint, Span<byte> target)
    {
        target.Clear();
        bool v6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        ushort family = (ushort)(v6 ? Libc.AddressFamilyInet6 : Libc.AddressFamilyInet);
        MemoryMarshal.Write(target, in family);
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], (ushort)endPoint.Port);
        endPoint.Address.TryWriteBytes(target[(v6 ? 8 : 4)..], out _);
        return v6 ? 28u : 16u;
    }

    /// <summary>Stands for an address that the system no longer knows.</summary>
    internal static readonly IPEndPoint Unknown = new(IPAddress.None, 0);

    /// <summary>The address of the other side.</summary>
    internal static IPEndPoint Peer(int descriptor)
    {
        byte* bytes = stackalloc byte[BytesMax];
        uint length = BytesMax;
        return Libc.GetPeerName(descriptor, bytes, &length) == 0 ? Read(new ReadOnlySpan<byte>(bytes, (int)length)) : Unknown;
    }

    /// <summary>The address of our side.</summary>
    internal static IPEndPoint Own(int descriptor)
    {
        byte* bytes = stackalloc byte[BytesMax];
        uint length = BytesMax;
        return Libc.GetSocketName(descriptor, bytes, &length) == 0 ? Read(new ReadOnlySpan<byte>(bytes, (int)length)) : Unknown;
    }

    private static IPEndPoint Read(ReadOnlySpan<byte> bytes)
    {
        int port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return MemoryMarshal.Read<ushort>(bytes) == Libc.AddressFamilyInet6
            ? new IPEndPoint(new IPAddress(bytes.Slice(8, 16)), port)
            : new IPEndPoint(new IPAddress(bytes.Slice(4, 4)), port);
    }
}
