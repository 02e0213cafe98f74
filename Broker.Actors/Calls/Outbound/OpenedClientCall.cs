using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Outbound;

/// <summary>A call to a client that is under way with items in either direction: arguments that follow, and results before the last one.</summary>
/// <remarks>
/// Each direction is bounded: <see cref="SayAsync"/> waits while the client is slower than the application, and the client waits
/// while nobody enumerates here. The enumeration is for one reader; it ends after the last item, and fails as the call does.
/// Disposing of it cancels a call that is still pending.
/// </remarks>
public sealed class OpenedClientCall : IAsyncEnumerable<ReadOnlyMemory<byte>>, IAsyncDisposable
{
    private readonly CalledClient _client;
    private readonly WaitingCall _call;
    private readonly ItemCredit _sayable;       // Arguments that the client takes.
    private readonly UnreadItems _results;
    private readonly CancellationTokenSource _over = new();
    private readonly bool _saysItems;
    private bool _saidAll;

    internal OpenedClientCall(CalledClient client, WaitingCall call, CallWindows windows, bool saysItems)
    {
        _saysItems = saysItems;
        _client = client;
        _call = call;
        _sayable = new ItemCredit(windows.Arguments);
        _results = new UnreadItems(windows.Results, (results, bytes) => client.Grant(call, results, bytes));
    }

    /// <summary>The last result, which ends the call; or the <see cref="ClientCallException"/> that says why there is none.</summary>
    public Task<ReadOnlyMemory<byte>> Result => _call.Answer;

    /// <summary>Says one more argument, once the client takes it. For one caller at a time.</summary>
    /// <param name="item">Any bytes that fit a frame to the client, else the call fails; not to be changed afterwards.</param>
    /// <param name="cancel">Stops waiting; the call goes on.</param>
    /// <exception cref="ClientCallException">The call is over: the one that ended it.</exception>
    /// <exception cref="InvalidOperationException">The call was opened without further arguments, or the last one has been said.</exception>
    public async ValueTask SayAsync(ReadOnlyMemory<byte> item, CancellationToken cancel = default)
    {
        if (!_saysItems) throw new InvalidOperationException("The call was opened without further arguments.");
        if (_saidAll) throw new InvalidOperationException("The last argument has been said.");
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, _over.Token);
            await TakeAsync(item.Length, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            await Result.ConfigureAwait(false);
            throw new ClientCallException(FaultCode.None, "the call has its result");
        }

        _client.Say(_call, item);
    }

    // Credit and room, or neither.
    private async ValueTask TakeAsync(int bytes, CancellationToken cancel)
    {
        await _sayable.TakeAsync(cancel).ConfigureAwait(false);
        try
        {
            await _client.Untaken.TakeAsync(bytes, cancel).ConfigureAwait(false);
        }
        catch
        {
            _sayable.Add(1);
            throw;
        }
    }

    /// <summary>Says that there are no more arguments; nothing where none were to follow.</summary>
    public void EndArguments()
    {
        if (_saidAll || !_saysItems) return;
        _saidAll = true;
        _client.SayEnd(_call);
    }

    /// <inheritdoc />
    public IAsyncEnumerator<ReadOnlyMemory<byte>> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _results.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>Cancels the call, if it is pending.</summary>
    public ValueTask DisposeAsync()
    {
        _client.GiveUp(_call, new OperationCanceledException(new CancellationToken(canceled: true)));
        return ValueTask.CompletedTask;
    }

    /// <summary>A result has come; under the lock of the client's calls.</summary>
    /// <returns>False when the client had no credit for it.</returns>
    internal bool TryAdd(ReadOnlyMemory<byte> item) => _results.TryAdd(item);

    /// <summary>The client may say so many more; under the lock of the client's calls.</summary>
    internal void Expect(int results) => _results.Expect(results);

    /// <summary>The client takes more arguments.</summary>
    internal void OnGranted(int items) => _sayable.Add((uint)items);

    /// <summary>The call has ended.</summary>
    internal void End(Exception? failure)
    {
        _results.End(failure);
        _ = _over.CancelAsync();
    }
}
