using Broker.Actors.Channels.Home;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Relay;

/// <summary>How a command of a channel is put to its home, wherever that is.</summary>
/// <typeparam name="TCommand">The command.</typeparam>
/// <typeparam name="TAnswer">The home's answer.</typeparam>
internal sealed class NodeMethod<TCommand, TAnswer>
{
    /// <summary>Writes the request under a number.</summary>
    internal required Func<TCommand, ulong, byte[]> Write { get; init; }

    /// <summary>Reads an answer.</summary>
    internal required AnswerReader<TAnswer> Read { get; init; }

    /// <summary>Asks the home on this node.</summary>
    internal required Func<ChannelRelay, TCommand, ValueTask<TAnswer>> AskHere { get; init; }

    /// <summary>Makes the answer of a request that could not be done.</summary>
    internal required Func<HubError, TAnswer> Fail { get; init; }

    /// <summary>Goes on with the answer.</summary>
    internal required Action<ChannelRelay, TCommand, TAnswer> Then { get; init; }

    /// <summary>Whether publications may follow each other to the home without waiting for the answer.</summary>
    internal bool IsAppend { get; init; }

    /// <summary>Whether a request may be sent again whose answer was lost with its lane.</summary>
    internal Func<TCommand, bool> MayRepeat { get; init; } = static _ => true;

    /// <summary>Returns what the command held, once the request is done.</summary>
    internal Action<TCommand> Release { get; init; } = static _ => { };
}

/// <summary>Reads an answer.</summary>
/// <returns>False if the bytes are none.</returns>
internal delegate bool AnswerReader<TAnswer>(ReadOnlySpan<byte> bytes, out TAnswer answer);

/// <summary>A command that waits for the answer of a home on another node, or for a way to it.</summary>
/// <param name="channel">The channel.</param>
/// <param name="partition">Its partition.</param>
/// <param name="startedMilliseconds">When it came.</param>
internal abstract class NodeCall(string channel, int partition, long startedMilliseconds)
{
    internal string Channel { get; } = channel;

    internal int Partition { get; } = partition;

    internal long StartedMilliseconds { get; } = startedMilliseconds;

    /// <summary>Where it was sent; null while it waits for a way.</summary>
    internal INodeLane? Lane { get; set; }

    /// <summary>Whether it holds the channel's gate, and of which kind.</summary>
    internal abstract bool IsAppend { get; }

    internal abstract bool MayRepeat { get; }

    internal abstract byte[] Write(ulong request);

    /// <summary>Goes on with an answer that has arrived.</summary>
    /// <returns>False if it is none.</returns>
    internal abstract bool TryFinish(ReadOnlySpan<byte> answer);

    internal abstract void Fail(HubError error);

    /// <summary>Asks the home on this node, which it has become.</summary>
    internal abstract void AskHere();
}

/// <summary>A command with its method.</summary>
internal sealed class NodeCall<TCommand,
    TAnswer>(NodeHomes homes, ChannelRelay relay, NodeMethod<TCommand, TAnswer> method, TCommand command, string channel, int partition,
        long startedMilliseconds)
    : NodeCall(channel, partition, startedMilliseconds)
{
    internal override bool IsAppend => method.IsAppend;

    internal override bool MayRepeat => method.MayRepeat(command);

    internal override byte[] Write(ulong request) => method.Write(command, request);

    internal override bool TryFinish(ReadOnlySpan<byte> answer)
    {
        if (!method.Read(answer, out TAnswer read)) return false;
        Finish(read);
        return true;
    }

    internal override void Fail(HubError error) => Finish(method.Fail(error));

    internal override void AskHere()
    {
        Lane = null;
        ValueTask<TAnswer> answer = method.AskHere(relay, command);
        if (answer.IsCompletedSuccessfully) Finish(answer.Result);
        else _ = FinishLateAsync(answer);
    }

    private async Task FinishLateAsync(ValueTask<TAnswer> answer)
    {
        TAnswer late = await answer.ConfigureAwait(false);
        await homes.Thread.SwitchTo();
        Finish(late);
    }

    private void Finish(TAnswer answer)
    {
        method.Release(command);
        homes.Finished(this, Lane, () => method.Then(relay, command, answer));
    }
}
