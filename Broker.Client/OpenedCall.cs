using Broker.Core.Protocol.Calls;

namespace Broker.Client;

/// <summary>A call that is under way with items in either direction: arguments that follow, and results before the last one.</summary>
/// <remarks>
/// Each direction is bounded: <see cref="SendAsync"/> waits while the hub's method is slower than the caller, and the method
/// waits while no one enumerates here. The enumeration is for one reader; it ends after the last item, and fails as the call
/// does. Disposing of it cancels a call that is still pending.
/// </remarks>
public sealed class OpenedCall : IAsyncEnumerable<ReadOnlyMemory<byte>>, IAsyncDisposable
{
    private readonly OutboundCalls _calls;
    private readonly uint _id;
    private readonly PendingCall _call;
    private readonly bool _sendsItems;
    private readonly ItemCredit _argumentCredit;       // Arguments that the hub takes.
    private readonly UnreadItems _results;
    private readonly CancellationTokenSource _over = new();
    private bool _argumentsEnded;

    /// <summary>Makes a call that has begun.</summary>
    /// <param name="calls">Of its connection.</param>
    /// <param name="id">Its number.</param>
    /// <param name="call">What waits for its end.</param>
    /// <param name="sendsItems">Whether further arguments follow.</param>
    /// <param name="argumentCredit">Arguments that the hub accepts before the first credit, from welcome.</param>
    /// <param name="expected">Results that the hub may send before the first credit, from hello.</param>
    internal OpenedCall(OutboundCalls calls, uint id, PendingCall call, bool sendsItems, int argumentCredit, int expected)
    {
        _calls = calls;
        _id = id;
        _call = call;
        _sendsItems = sendsItems;
        _argumentCredit = new ItemCredit(argumentCredit);
        _results = new UnreadItems(expected, (results, _) => calls.Grant(id, call, results));
    }

    /// <summary>The last result, which ends the call.</summary>
    public Task<ReadOnlyMemory<byte>> Result => _call.Answer.Task;

    /// <summary>The longest item that the hub accepts, in bytes.</summary>
    public int ItemBytesMax => _calls.ItemBytesMax;

    /// <summary>Sends one more argument, once the hub gives credit and there is room. For one caller at a time.</summary>
    /// <param name="item">Any bytes that fit a frame; copied.</param>
    /// <param name="cancellationToken">Stops waiting; nothing was sent, and the call goes on.</param>
    /// <exception cref="BrokerException">The call is over: the one that ended it.</exception>
    /// <exception cref="PayloadTooLargeException">It is longer than a frame. Nothing was sent.</exception>
    /// <exception cref="InvalidOperationException">The call was opened without further arguments, or has had its last one.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> item, CancellationToken cancellationToken = default)
    {
        if (!_sendsItems) throw new InvalidOperationException("The call was opened without further arguments: open it with sendsItems.");
        if (_argumentsEnded) throw new InvalidOperationException("The arguments have been ended.");
        if (item.Length > ItemBytesMax)
            throw new PayloadTooLargeException($"An item of {item.Length} bytes is more than the hub takes: {ItemBytesMax}.");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _over.Token);
        bool isSent = false, isTaken = false;
        try
        {
            Task credit = _argumentCredit.TakeAsync(either.Token);
            if (!credit.IsCompleted) _calls.FlushSoon();
            await credit.ConfigureAwait(false);
            isTaken = true;
            isSent = await _calls.SendAsync(_id, _call, item.Span, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The call is over; how it ended is thrown below.
        }
        finally
        {
            if (isTaken && !isSent) _argumentCredit.Add(1);
        }

        if (isSent) return;
        await Result.ConfigureAwait(false);
        throw new BrokerException("The call is over.");
    }

    /// <summary>Ends the further arguments.</summary>
    public void EndArguments()
    {
        if (_argumentsEnded || !_sendsItems) return;
        _calls.SendEnd(_id, _call);
        _argumentsEnded = true;
    }

    /// <inheritdoc />
    public IAsyncEnumerator<ReadOnlyMemory<byte>> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _results.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>Cancels the call, if it is pending.</summary>
    public ValueTask DisposeAsync()
    {
        _calls.Abandon(_id, _call, new CancellationToken(canceled: true));
        return ValueTask.CompletedTask;
    }

    /// <summary>Its further arguments have failed: cancels it, if it is pending, and fails it with the reason.</summary>
    internal void Break(Exception failure) => _calls.Abandon(_id, _call, failure);

    /// <summary>A result has come; under the lock.</summary>
    /// <returns>False when the hub had no credit for it.</returns>
    internal bool Add(byte[] item) => _results.TryAdd(item);

    /// <summary>The hub may send so many more; under the lock.</summary>
    internal void Expect(int items) => _results.Expect(items);

    /// <summary>The hub takes more arguments.</summary>
    internal void OnCredit(uint items) => _argumentCredit.Add(items);

    /// <summary>The call has ended.</summary>
    internal void End(Exception? failure)
    {
        _results.End(failure);
        _ = _over.CancelAsync();
    }
}
