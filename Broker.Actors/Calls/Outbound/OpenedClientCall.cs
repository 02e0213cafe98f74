using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Outbound;

/// <summary>
/// A call to a client that is under way with items in either direction: arguments that follow, and results before the last one.
/// </summary>
/// <remarks>
/// Each direction is bounded: <see cref="SendAsync"/> waits while the client is slower than the application, and the client waits
/// while no one enumerates here. The enumeration is for one reader; it ends after the last item, and fails as the call does.
/// Disposing of it cancels a call that is still pending.
/// </remarks>
public sealed class OpenedClientCall : IAsyncEnumerable<ReadOnlyMemory<byte>>, IAsyncDisposable
{
    private readonly CalledClient _client;
    private readonly WaitingCall _call;
    private readonly ItemCredit _canSend;       // Arguments that the client takes.
    private readonly UnreadItems _results;
    private readonly CancellationTokenSource _over = new();
    private readonly bool _sendsItems;
    private bool _allSent;

    internal OpenedClientCall(CalledClient client, WaitingCall call, CallWindows windows, bool sendsItems)
    {
        _sendsItems = sendsItems;
        _client = client;
        _call = call;
        _canSend = new ItemCredit(windows.Arguments);
        _results = new UnreadItems(windows.Results, (results, bytes) => client.Grant(call, results, bytes));
    }

    /// <summary>The last result, which ends the call; or the <see cref="ClientCallException"/> that says why there is none.</summary>
    public Task<ReadOnlyMemory<byte>> Result => _call.Answer;

    /// <summary>Sends one more argument, once the client takes it. For one caller at a time.</summary>
    /// <param name="item">Any bytes that fit a frame to the client, else the call fails; not to be changed afterwards.</param>
    /// <param name="cancellationToken">Stops waiting; the call goes on.</param>
    /// <exception cref="ClientCallException">The call is over: the one that ended it.</exception>
    /// <exception cref="InvalidOperationException">
    /// The call was opened without further arguments, or the last one has been sent.
    /// </exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> item, CancellationToken cancellationToken = default)
    {
        if (!_sendsItems) throw new InvalidOperationException("The call was opened without further arguments.");
        if (_allSent) throw new InvalidOperationException("The last argument has been sent.");
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _over.Token);
            await TakeAsync(item.Length, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await Result.ConfigureAwait(false);
            throw new ClientCallException(FaultCode.None, "the call has its result");
        }

        _client.Send(_call, item);
    }

    // Credit and room, or neither.
    private async ValueTask TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        await _canSend.TakeAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _client.UnreadBudget.TakeAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _canSend.Add(1);
            throw;
        }
    }

    /// <summary>Says that there are no more arguments; nothing where none were to follow.</summary>
    public void EndArguments()
    {
        if (_allSent || !_sendsItems) return;
        _allSent = true;
        _client.SendEnd(_call);
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

    /// <summary>The client may send so many more; under the lock of the client's calls.</summary>
    internal void Expect(int results) => _results.Expect(results);

    /// <summary>The client takes more arguments.</summary>
    internal void OnGranted(int items) => _canSend.Add((uint)items);

    /// <summary>The call has ended.</summary>
    internal void End(Exception? failure)
    {
        _results.End(failure);
        _ = _over.CancelAsync();
    }
}
