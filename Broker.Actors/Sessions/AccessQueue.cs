using System.Diagnostics.CodeAnalysis;
using Akka.Actor;

namespace Broker.Actors.Sessions;

/// <summary>Answers of access that do not come at once, and the commands that wait behind them. For the session's thread.</summary>
/// <param name="session">Who goes on when an answer is there.</param>
/// <param name="writer">Of its client, which is not read meanwhile.</param>
/// <param name="limit">How long an answer may take.</param>
/// <param name="time">The clock of that.</param>
internal sealed class AccessQueue(IActorRef session, ISessionWriter writer, TimeSpan limit, TimeProvider time)
{
    private readonly CancellationTokenSource _gone = new();
    private readonly Queue<ClientCommand> _commands = new();

    /// <summary>Whether an answer is awaited.</summary>
    internal bool IsWaiting { get; private set; }

    /// <summary>Cancelled when the client goes.</summary>
    internal CancellationToken Gone => _gone.Token;

    /// <summary>A command that waits for its turn.</summary>
    internal void Enqueue(ClientCommand command) => _commands.Enqueue(command);

    /// <summary>The next command that has waited.</summary>
    internal bool TryDequeue([NotNullWhen(true)] out ClientCommand? command) => _commands.TryDequeue(out command);

    /// <summary>Waits for an answer; the session goes on with it, in its own turn.</summary>
    /// <param name="answer">The answer; one that fails, or takes longer than the limit, is null.</param>
    /// <param name="then">Goes on, on the session's thread.</param>
    internal void Await<T>(Task<T> answer, Action<T?, Exception?> then)
    {
        IsWaiting = true;
        writer.Pause();
        answer.WaitAsync(limit, time, _gone.Token).ContinueWith(
            done =>
            {
                T? result = done.IsCompletedSuccessfully ? done.Result : default;
                Exception? failure =
                    done.IsCompletedSuccessfully ? null : done.Exception?.GetBaseException() ?? new OperationCanceledException();
                session.Tell(new SessionProtocol.AccessAnswered(() => End(then, result, failure)), ActorRefs.NoSender);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void End<T>(Action<T?, Exception?> then, T? result, Exception? failure)
    {
        IsWaiting = false;
        writer.Resume();
        then(result, failure);
    }

    /// <summary>The client is gone.</summary>
    internal void Close()
    {
        _gone.Cancel();
        _gone.Dispose();
        foreach (ClientCommand command in _commands) (command as ClientCommand.Publish)?.LongData?.Release();
        _commands.Clear();
    }
}
