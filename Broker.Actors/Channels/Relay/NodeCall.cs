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
internal interface INodeCall
{
    /// <summary>The channel.</summary>
    string Channel { get; }

    /// <summary>Its partition.</summary>
    int Partition { get; }

    /// <summary>When it came.</summary>
    long StartedMilliseconds { get; }

    /// <summary>Counts the calls of a relay in the order in which they came.</summary>
    ulong Number { get; set; }

    /// <summary>Where it was sent; null while it waits for a way.</summary>
    INodeLane? Lane { get; set; }

    /// <summary>Whether it holds the channel's gate, and of which kind.</summary>
    bool IsAppend { get; }

    /// <summary>Whether it may be sent again where it is unknown whether it took effect.</summary>
    bool MayRepeat { get; }

    /// <summary>The request's bytes.</summary>
    byte[] Write(ulong request);

    /// <summary>Goes on with an answer that has arrived.</summary>
    /// <returns>False if it is none.</returns>
    bool TryFinish(ReadOnlySpan<byte> answer);

    /// <summary>Goes on with an error in place of an answer.</summary>
    void Fail(HubError error);

    /// <summary>Asks the home on this node, which it has become.</summary>
    void AskHere();
}

/// <summary>A command with its method.</summary>
internal sealed class NodeCall<TCommand,
    TAnswer>(NodeHomes homes, ChannelRelay relay, NodeMethod<TCommand, TAnswer> method, TCommand command, string channel, int partition,
        long startedMilliseconds)
    : INodeCall
{
    public string Channel => channel;

    public int Partition => partition;

    public long StartedMilliseconds => startedMilliseconds;

    public ulong Number { get; set; }

    public INodeLane? Lane { get; set; }

    public bool IsAppend => method.IsAppend;

    public bool MayRepeat => method.MayRepeat(command);

    public byte[] Write(ulong request) => method.Write(command, request);

    public bool TryFinish(ReadOnlySpan<byte> answer)
    {
        if (!method.Read(answer, out TAnswer read)) return false;
        Finish(read);
        return true;
    }

    public void Fail(HubError error) => Finish(method.Fail(error));

    public void AskHere()
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
