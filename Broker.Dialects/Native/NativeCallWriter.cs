using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using System.Text;
using Broker.Core.Counting;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Dialects.Native;

/// <summary>What the calls of one client say, and those of the hub to it: their part of <see cref="NativeMessageWriter"/>.</summary>
/// <remarks>Made with the first of them. For the loop's thread.</remarks>
public sealed class NativeCallWriter : ICallWriter
{
    private readonly NativeMessageWriter _messages;
    private readonly HashSet<uint> _asked = [];         // Calls of the hub that the client has not answered.
    private NativePacer? _pacer;                        // From the first item that waits on; most clients have none.

    internal NativeCallWriter(NativeMessageWriter messages) => _messages = messages;

    /// <summary>Whether the hub waits for the client's answer to a call.</summary>
    internal bool IsAsked(uint call) => _asked.Contains(call);

    /// <summary>The hub waits for an answer no longer.</summary>
    /// <returns>Whether it did.</returns>
    internal bool EndAsked(uint call)
    {
        if (!_asked.Remove(call)) return false;
        _messages.CancelDownloads(call);
        return true;
    }

    /// <inheritdoc />
    public bool IsSettling => _messages.Connection.IsSettling;

    /// <inheritdoc />
    public void Owe() => _messages.Connection.Owe();

    /// <inheritdoc />
    public void Settle() => _messages.Connection.Settle();

    /// <inheritdoc />
    public void Returned(uint id, ReadOnlyMemory<byte> result)
    {
        var message = new CallResult { Id = id, Data = result.Span };
        if (NativeWriter.SizeOf(message) <= _messages.Takes.ThresholdBytes)
        {
            CountReturned();
            _messages.Send(message);
            return;
        }

        ReturnLong(id, new MemoryChunkSource(result));
    }

    /// <inheritdoc />
    public void Returned(uint id, IChunkSource result)
    {
        ArgumentNullException.ThrowIfNull(result);
        byte[] head = NativeWriter.Head(new CallResult { Id = id }, result.Bytes);
        if (head.Length + result.Bytes > _messages.Takes.ThresholdBytes)
        {
            ReturnLong(id, result);
            return;
        }

        using (result)
        {
            if (!_messages.Connection.IsOpen) return;
            CountReturned();
            Span<byte> room = _messages.Reserve(head.Length + (int)result.Bytes);
            head.CopyTo(room);
            result.CopyTo(0, room[head.Length..]);
        }
    }

    private void ReturnLong(uint id, IChunkSource result)
    {
        if (!_messages.Connection.IsOpen)
        {
            result.Dispose();
            return;
        }

        ChunkRefusal refused = _messages.Downloads.Send(result, StreamPurpose.Result, new DownloadSubject(0, 0, id));
        if (refused.Error == ChunkError.None) CountReturned();
        else Faulted(id, CodeOf(refused.Error, tooLarge: FaultCode.ResultTooBig), $"the result can not be sent: {refused.Text}");
    }

    private static FaultCode CodeOf(ChunkError refused, FaultCode tooLarge) =>
        refused == ChunkError.StreamTooBig ? tooLarge : FaultCode.Overloaded;

    private void CountReturned()
    {
        if (_messages.Connection.IsOpen) _messages.Connection.Loop.Counters.Add(LoopCount.CallsReturned);
    }

    /// <inheritdoc />
    public void Answered(uint id, ReadOnlySpan<byte> result)
    {
        var message = new CallResult { Id = id, Data = result };
        if (NativeWriter.SizeOf(message) > _messages.Takes.ThresholdBytes)
        {
            Returned(id, result.ToArray());
            return;
        }

        CountReturned();
        _messages.Send(message);
    }

    /// <inheritdoc />
    public void OnCancelled(uint id)
    {
        if (!CallIds.IsServers(id) && _messages.CancelDownloads(id)) WriteFault(id, FaultCode.Cancelled, "cancelled");
    }

    /// <inheritdoc />
    public bool Sent(uint id, ReadOnlyMemory<byte> item)
    {
        var message = new CallItem { Id = id, Data = item.Span };
        if (NativeWriter.SizeOf(message) > _messages.Takes.ThresholdBytes) return false;
        _messages.Send(message);
        return true;
    }

    /// <inheritdoc />
    public bool Sent(uint id, IChunkSource item)
    {
        ArgumentNullException.ThrowIfNull(item);
        byte[] head = NativeWriter.Head(new CallItem { Id = id }, item.Bytes);
        if (head.Length + item.Bytes > _messages.Takes.ThresholdBytes) return false;
        if (!_messages.Connection.IsOpen) return true;
        Span<byte> room = _messages.Reserve(head.Length + (int)item.Bytes);
        head.CopyTo(room);
        item.CopyTo(0, room[head.Length..]);
        return true;
    }

    /// <inheritdoc />
    public void OnceRead(Action then)
    {
        ArgumentNullException.ThrowIfNull(then);
        if (_messages.WaitingBytes <= NativePacer.BusyBytes) then();
        else (_pacer ??= _messages.MakePacer()).Add(then);
    }

    /// <inheritdoc />
    public void Granted(uint id, int items) => _messages.Send(new Credit { Scope = CreditScope.Call, Id = id, Count = (uint)items });

    /// <inheritdoc />
    public void Faulted(uint id, FaultCode code, string text)
    {
        _messages.Connection.Loop.Counters.Calls.Add((int)code);
        WriteFault(id, code, text);
    }

    /// <summary>The fault of a call whose end has been counted.</summary>
    internal void WriteFault(uint id, FaultCode code, string text) =>
        _messages.Send(new CallFault { Id = id, Code = code, Text = Encoding.UTF8.GetBytes(text) });

    /// <inheritdoc />
    public FaultCode Call(uint id, MethodId method, TimeSpan deadline, ReadOnlyMemory<byte> arguments, CallOptions options)
    {
        var call = new Call { Id = id, Method = method,
            DeadlineMilliseconds = (uint)Math.Clamp(deadline.TotalMilliseconds, 1, uint.MaxValue), Options = options };
        long size = NativeWriter.SizeOf(call) + (long)arguments.Length;
        if (size > _messages.Takes.ThresholdBytes)
        {
            // What is sent after a stream may take effect before it, and items without their call would be lost.
            if (options != CallOptions.None) return FaultCode.BadArguments;
            var source = new LongBytesSource(NativeWriter.Head(call, arguments.Length), new LongBytes(arguments));
            ChunkRefusal refused = _messages.Downloads.Send(source, StreamPurpose.Message, new DownloadSubject(0, 0, id));
            if (refused.Error != ChunkError.None) return CodeOf(refused.Error, tooLarge: FaultCode.BadArguments);
        }
        else
        {
            _messages.Send(call with { Arguments = arguments.Span });
        }

        _asked.Add(id);
        return FaultCode.None;
    }

    /// <inheritdoc />
    public void EndItems(uint id) => _messages.Send(new CallItemsEnd { Id = id });

    /// <inheritdoc />
    public void Cancelled(uint id)
    {
        if (EndAsked(id)) _messages.Send(new CallCancel { Id = id });
    }
}
