namespace Broker.Core.Protocol.Calls;

/// <summary>The numbers of calls: their highest bit says which side chose them, so the two sides can not choose the same.</summary>
public static class CallIds
{
    /// <summary>The bit of those that the server chooses.</summary>
    public const uint ServerBit = 0x8000_0000;

    /// <summary>Whether a number is the server's.</summary>
    public static bool IsServers(uint id) => (id & ServerBit) != 0;

    /// <summary>The number after another, on the same side.</summary>
    public static uint Next(uint id) => (id & ServerBit) | ((id + 1) & ~ServerBit);
}
