using Broker.Actors.Calls.Methods;
using System.Runtime.InteropServices;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Inbound;

/// <summary>
/// Calls of inline methods that a client has sent one behind the other: one command for all of them, and no object for each.
/// </summary>
/// <remarks>
/// Goes round: taken where calls are read, returned where the last is answered, and the next turn's again. One that is lost on
/// the way, with a session that is gone, is the garbage collector's. For the loop's thread.
/// </remarks>
internal sealed class InlineRun
{
    private const int CallsKept = 512, ArgumentBytesKept = 64 * 1024;

    [ThreadStatic] private static InlineRun? t_spare;

    private readonly List<InlineEntry> _calls = [];
    private byte[] _arguments = new byte[1024];
    private int _used;
    private CallWindows _windows;

    /// <summary>The calls, in their order.</summary>
    internal ReadOnlySpan<InlineEntry> Calls => CollectionsMarshal.AsSpan(_calls);

    /// <summary>What all of them cost while they are under way.</summary>
    internal int Bytes { get; private set; }

    /// <summary>An empty one.</summary>
    /// <param name="windows">Of the client's calls.</param>
    internal static InlineRun Take(CallWindows windows)
    {
        InlineRun run = t_spare ?? new InlineRun();
        t_spare = null;
        run._windows = windows;
        return run;
    }

    /// <summary>Takes a call; its arguments are copied.</summary>
    /// <param name="call">The call.</param>
    /// <param name="method">What is called.</param>
    /// <param name="bytes">What it costs.</param>
    internal void Add(in Call call, Method method, int bytes)
    {
        int length = call.Arguments.Length;
        if (length > _arguments.Length - _used) Array.Resize(ref _arguments, Math.Max(_used + length, 2 * _arguments.Length));
        call.Arguments.CopyTo(_arguments.AsSpan(_used));
        _calls.Add(new InlineEntry(call.Id, method, call.DeadlineMilliseconds, _used, length, bytes));
        _used += length;
        Bytes += bytes;
    }

    /// <summary>The arguments of a call; borrowed.</summary>
    internal ReadOnlySpan<byte> ArgumentsOf(in InlineEntry call) => _arguments.AsSpan(call.From, call.Length);

    /// <summary>A call by itself, which is to be answered elsewhere.</summary>
    internal CallRequest RequestOf(in InlineEntry call) =>
        new(call.Id, MethodId.Of(call.Method.Name), ArgumentsOf(call).ToArray())
            { Deadline = TimeSpan.FromMilliseconds(call.DeadlineMilliseconds), Windows = _windows };

    /// <summary>All are answered, or are commands of their own.</summary>
    internal void Return()
    {
        if (_arguments.Length > ArgumentBytesKept || _calls.Capacity > CallsKept) return;
        _calls.Clear();
        (_used, Bytes) = (0, 0);
        t_spare = this;
    }
}

/// <summary>One of them.</summary>
/// <param name="Id">The client's number.</param>
/// <param name="Method">What is called.</param>
/// <param name="DeadlineMilliseconds">How long the client will wait, or 0.</param>
/// <param name="From">Where its arguments begin.</param>
/// <param name="Length">How many bytes they have.</param>
/// <param name="Bytes">What it costs.</param>
internal readonly record struct InlineEntry(uint Id, Method Method, uint DeadlineMilliseconds, int From, int Length, int Bytes);
