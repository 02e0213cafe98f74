using Broker.Actors.Calls.Methods;
using Broker.Actors.Dialects;
using Broker.Actors.Sessions;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Dialects.Centrifuge.Wire;
using Broker.Dialects.Centrifuge.Wire.Protobuf;

namespace Broker.Dialects.Centrifuge;

/// <summary>What all connections of a form of the dialect share.</summary>
/// <param name="Settings">The dialect's.</param>
/// <param name="Clients">What one client may do and hold.</param>
/// <param name="Format">The form.</param>
/// <param name="Version">Of this hub, told to clients.</param>
internal sealed record CentrifugeContext(CentrifugeSettings Settings, ClientSettings Clients, CentrifugeFormat Format, string Version)
{
    [ThreadStatic] private static BufferPool? t_pool;

    /// <summary>What clients may call; null where nothing looks names up.</summary>
    internal MethodRegistry? Methods { get; init; }

    /// <summary>What carries its messages, as the application's backend is told it.</summary>
    internal string Transport { get; init; } = "websocket";

    /// <summary>Whether its clients only listen: they connect with a bare request, are sent bare pushes, and send nothing more.</summary>
    internal bool IsUnidirectional => Format.Form.IsPush;

    /// <summary>Where sessions are made known whose clients post their commands; null where they do not.</summary>
    internal SessionDirectory? Sessions { get; init; }

    /// <summary>The node's id, told to clients that post their commands.</summary>
    internal string Node { get; init; } = "";

    /// <summary>The most commands in one frame, beside those in which a client that comes back connects and subscribes.</summary>
    internal int CommandsPerFrameMax => Settings.CommandsPerFrameMax;

    /// <summary>
    /// The last message of a connection that the server ends, where no Close frame tells why. Nothing for a client that has gone by itself.
    /// </summary>
    internal ReadOnlyMemory<byte> ClosingMessageOf(CloseCode code, string reason)
    {
        if (code == CloseCode.Normal || (int)code == Disconnect.ConnectionClosed.Code) return default;

        // The thread's writer may be in use: a client can be found too slow in the middle of a reply.
        IReplyWriter writer = Format.IsBinary ? new ProtobufReplyWriter() : new ReplyWriter();
        writer.PushDisconnect(new Disconnect((ushort)code, reason));
        var batch = new ReplyBatch(Format.Form);
        batch.Append(writer.Frame, t_pool ??= new BufferPool());
        SharedBytes bytes = batch.Seal(out int start);
        byte[] message = bytes.Array.AsSpan(start, bytes.Length - start).ToArray();
        bytes.Release();
        return message;
    }
}
