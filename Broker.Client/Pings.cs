using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>Asks the hub whether it is there; the mark of each ping is a number of its own.</summary>
internal sealed class Pings(ConnectionState state, FrameSender sender)
{
    private readonly RequestTable _pending = new();

    /// <summary>Asks, and gives how long the answer took; without the lock.</summary>
    public async Task<TimeSpan> PingAsync(CancellationToken cancellationToken)
    {
        var ping = new PendingPing(state.Options.Time.GetTimestamp());
        lock (state.Gate)
        {
            state.ThrowIfEnded();
            uint mark = _pending.Add(ping);
            try
            {
                sender.Post(NativeWriter.Message(new Ping { Mark = mark }));
            }
            catch (BrokerException)
            {
                _pending.TryTake<PendingPing>(mark, out _);
                throw;
            }
        }

        return await ping.Answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The hub has answered one.</summary>
    public void OnPong(ulong mark)
    {
        if (mark <= uint.MaxValue && _pending.TryTake((uint)mark, out PendingPing? ping))
            ping.Answer.TrySetResult(state.Options.Time.GetElapsedTime(ping.Began));
    }

    /// <summary>The connection is gone: what waited, to be failed without the lock.</summary>
    public IReadOnlyList<PendingRequest> TakeAll() => _pending.TakeAll();
}
