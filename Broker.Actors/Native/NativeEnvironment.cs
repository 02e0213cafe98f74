using Broker.Actors.Rpc;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Native;

/// <summary>What all native connections of a hub share.</summary>
/// <param name="Settings">All that can be set.</param>
/// <param name="Methods">What clients may call.</param>
public sealed record NativeEnvironment(HubSettings Settings, Methods Methods)
{
    private readonly NativeLimits _batched = Settings.Native.ToLimits(batched: true, Settings.Calls.PendingMax, Settings.Centrifuge.PingInterval);

    /// <summary>What the streams of all clients may hold together.</summary>
    public ChunkBudget Budget { get; } = new(Settings.Native.Streams.ProcessBytesMax);

    /// <summary>What the streams of one client are held to.</summary>
    public ChunkLimits Takes { get; } = Settings.Native.Streams.ToLimits(Settings.Native.FrameBytesMax);

    /// <summary>The longest payload that every client has to take.</summary>
    internal int LargestFrameBytes { get; } = NativeSettings.LargestFrameOf(Settings);

    /// <summary>The longest data of a publication that is one piece for all who listen; longer data goes to each by itself.</summary>
    internal int SharedDataBytesMax => LargestFrameBytes - 1 - NativeWriter.SizeOf(default(Delivery));

    internal NativeLimits LimitsOf(bool batched) => batched ? _batched : _batched with { MessagesPerFrameMax = 1 };
}
