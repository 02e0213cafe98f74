using Broker.Actors.Calls.Methods;
using Broker.Actors.Dialects;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Dialects.Native;

/// <summary>What all native connections of a hub share.</summary>
public sealed class NativeContext
{
    private readonly NativeLimits _batched;

    /// <summary>Makes it.</summary>
    /// <param name="settings">The dialect's.</param>
    /// <param name="context">What the hub offers.</param>
    /// <param name="sharedBytesMax">The longest message of another dialect's client.</param>
    internal NativeContext(NativeSettings settings, DialectContext context, int sharedBytesMax)
    {
        Settings = settings;
        Clients = context.Clients;
        Methods = context.Methods;
        MessagesPerFrameMax = (int)Math.Min(int.MaxValue, (long)settings.MessagesPerFrameMax + context.Clients.ResumeCommands);
        _batched = settings.ToLimits(batched: true, context.Calls.PendingMax, context.Clients.PingInterval);
        Budget = new ChunkBudget(settings.Streams.ProcessBytesMax);
        Takes = settings.Streams.ToLimits(settings.FrameBytesMax);
        LargestFrameBytes = NativeSettings.LargestFrameOf(settings, sharedBytesMax, context.Channels.BatchBytesMax);
        var encoding = new NativeEncoding();
        Batched = new NativeFormat(NativeProtocol.Batched, encoding);
        Unbatched = new NativeFormat(NativeProtocol.Unbatched, encoding);
    }

    /// <summary>The dialect's settings.</summary>
    internal NativeSettings Settings { get; }

    /// <summary>What one client may do and hold.</summary>
    internal ClientSettings Clients { get; }

    /// <summary>What clients may call.</summary>
    internal MethodRegistry Methods { get; }

    /// <summary>What publications are for clients of <c>v3.broker</c>.</summary>
    internal NativeFormat Batched { get; }

    /// <summary>What publications are for clients of <c>v2.broker</c>.</summary>
    internal NativeFormat Unbatched { get; }

    /// <summary>The most messages in one frame, those in which a client that comes back connects and subscribes among them.</summary>
    internal int MessagesPerFrameMax { get; }

    /// <summary>What the streams of all clients may hold together.</summary>
    public ChunkBudget Budget { get; }

    /// <summary>What the streams of one client are held to.</summary>
    public ChunkLimits Takes { get; }

    /// <summary>The longest payload that every client has to take.</summary>
    internal int LargestFrameBytes { get; }

    /// <summary>The longest data of a publication that is one piece for all subscribers; longer data goes to each by itself.</summary>
    internal int SharedDataBytesMax => LargestFrameBytes - 1 - NativeWriter.SizeOf(default(Delivery));

    internal NativeLimits LimitsOf(bool batched) => batched ? _batched : _batched with { MessagesPerFrameMax = 1 };
}
