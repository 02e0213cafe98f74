using Broker.Core.Protocol.Calls;

namespace Broker.Client;

/// <summary>One call of the hub that has no answer yet.</summary>
internal sealed class InboundCall : IDisposable
{
    private readonly CancellationTokenSource _over;
    private readonly ItemCredit _credit;        // Results that the hub takes.

    /// <summary>Makes a call that is about to run.</summary>
    /// <param name="id">The hub's number.</param>
    /// <param name="limit">How long the hub waits, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="time">The clock of that.</param>
    /// <param name="resultsWindow">Results that the hub takes before the first credit.</param>
    public InboundCall(uint id, TimeSpan limit, TimeProvider time, int resultsWindow)
    {
        Id = id;
        _over = new CancellationTokenSource(limit, time);
        Over = _over.Token;
        _credit = new ItemCredit(resultsWindow);
    }

    public uint Id { get; }

    /// <summary>Cancelled when the hub waits no longer.</summary>
    public CancellationToken Over { get; }

    /// <summary>Where its further arguments go, if it has any.</summary>
    public UnreadItems? Items { get; init; }

    /// <summary>Further arguments that wait for the method, in bytes; under the connection's lock.</summary>
    public int ItemBytes { get; set; }

    /// <summary>The hub takes more results.</summary>
    public void OnCredit(uint items) => _credit.Add(items);

    /// <summary>Waits until the hub takes one more result, or the call is over.</summary>
    public Task TakeCreditAsync(CancellationToken cancellationToken) => _credit.TakeAsync(cancellationToken);

    /// <summary>A method that waits for credit waits no longer.</summary>
    public void End()
    {
        Items?.End(new OperationCanceledException("The call is over."));
        _credit.Add(ItemCredit.CountMax);
    }

    /// <summary>The credit of one item was not used.</summary>
    public void ReturnCredit() => _credit.Add(1);

    /// <summary>No caller waits for the answer. What that sets off runs on the thread pool.</summary>
    public void Cancel() => _ = _over.CancelAsync();

    /// <summary>The call has its answer.</summary>
    public void Dispose() => _over.Dispose();
}
