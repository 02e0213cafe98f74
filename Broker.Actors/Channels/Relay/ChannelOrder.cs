using Broker.Actors.Channels.Home;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// Goes on with a home's answers, at once or when the store or another node has answered, and keeps the commands of each channel in their
/// order meanwhile.
/// </summary>
/// <remarks>For the thread of the home.</remarks>
/// <param name="thread">The home's.</param>
/// <param name="handle">Runs a command whose turn has come; it must not wait again, or it would stand behind what came after it.</param>
internal sealed class ChannelOrder(IHomeThread thread, Action<object> handle)
{
    private readonly ChannelGate _gate = new();

    /// <summary>Whether no channel waits for anything.</summary>
    internal bool IsEmpty => _gate.IsEmpty;

    /// <summary>Whether a command waits behind an earlier one of its channel; if so, it has been taken.</summary>
    internal bool MustWait(string channel, object command, bool isAppend) => _gate.MustWait(channel, command, isAppend);

    /// <summary>Goes on with an answer of the home: at once, or on this thread when it is there. What waits behind it follows.</summary>
    internal void Then<TOwner, TCommand, TAnswer>(
        TOwner owner, string channel, bool isAppend, ValueTask<TAnswer> answer, TCommand command, Action<TOwner, TCommand, TAnswer> then)
    {
        if (answer.IsCompletedSuccessfully) then(owner, command, answer.Result);
        else _ = ThenLateAsync(owner, channel, isAppend, answer, command, then);
    }

    private async Task ThenLateAsync<TOwner, TCommand, TAnswer>(
        TOwner owner, string channel, bool isAppend, ValueTask<TAnswer> answer, TCommand command, Action<TOwner, TCommand, TAnswer> then)
    {
        Begin(channel, isAppend);
        TAnswer late = await answer.ConfigureAwait(false);
        await thread.SwitchTo();
        End(channel, isAppend, () => then(owner, command, late));
    }

    /// <summary>Holds what comes for a channel, until <see cref="End"/>.</summary>
    internal void Begin(string channel, bool isAppend) => _gate.Begin(channel, isAppend);

    /// <summary>Goes on, and then with what waits.</summary>
    internal void End(string channel, bool isAppend, Action then)
    {
        _gate.End(channel, isAppend);
        then();
        while (_gate.TryTake(channel, out object? next)) handle(next);
    }

    /// <summary>Takes every command that waits: the home is lost.</summary>
    internal IReadOnlyList<object> TakeAll() => _gate.TakeAll();
}
