using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Broker.Tests.Host;

/// <summary>A connected descriptor that no .NET object has ever owned, as a reactor has it: non-blocking.</summary>
/// <param name="Descriptor">The descriptor.</param>
/// <param name="Name">What the kernel calls the socket; numbers of descriptors come again, this does not.</param>
internal sealed partial record RawSocket(int Descriptor, string Name)
{
    private const int NonBlockingAndCloseOnExec = 0x800 | 0x80000;

    public static RawSocket Accept(Socket listener)
    {
        Assert.True(listener.Poll(TimeSpan.FromSeconds(60), SelectMode.SelectRead));
        int descriptor = Accept4((int)listener.Handle, 0, 0, NonBlockingAndCloseOnExec);
        Assert.True(descriptor >= 0, $"accept4 failed: {Marshal.GetLastPInvokeError()}");
        return new RawSocket(descriptor, Link(descriptor)!);
    }

    /// <summary>Reads exactly so many bytes.</summary>
    public byte[] Receive(int count)
    {
        byte[] received = new byte[count];
        int at = 0;
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                if (at < count) at += Math.Max(0, (int)Read(Descriptor, ref received[at], count - at));
                return at == count;
            },
            TimeSpan.FromSeconds(60)));
        return received;
    }

    /// <summary>Waits until no descriptor of this process leads to the socket any more.</summary>
    public void ExpectClosed() =>
        Assert.True(SpinWait.SpinUntil(() => Link(Descriptor) != Name, TimeSpan.FromSeconds(60)), $"{Name} is still open");

    public bool IsOpen => Link(Descriptor) == Name;

    private static string? Link(int descriptor)
    {
        try
        {
            return new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    private static partial int Accept4(int listener, nint address, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, ref byte target, nint count);
}
