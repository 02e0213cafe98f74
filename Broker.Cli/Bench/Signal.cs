using System.Threading.Channels;

namespace Broker.Cli.Bench;

/// <summary>Wakes one waiter; told before anyone waits, it is kept. Waiting allocates nothing.</summary>
internal sealed class Signal
{
    private readonly Channel<bool> _reported =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Wakes the waiter, or the next.</summary>
    public void Set() => _reported.Writer.TryWrite(true);

    /// <summary>Waits until it is told.</summary>
    public async ValueTask WaitAsync() => await _reported.Reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
}
