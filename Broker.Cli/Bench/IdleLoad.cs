using System.Diagnostics;
using System.Net.WebSockets;

namespace Broker.Cli.Bench;

/// <summary>Connections that say nothing but what they must: opened, held, and counted at the end.</summary>
/// <param name="connections">How many.</param>
/// <param name="token">
/// Says <c>connect</c> with it, and answers pings, as the Centrifuge JSON protocol has it; <c>null</c>: any WebSocket.
/// </param>
/// <param name="dialer">Opens them.</param>
/// <param name="meter">Counts how long each took to open.</param>
/// <param name="control">Ends it.</param>
internal sealed class IdleLoad(int connections, string? token, Dialer dialer, LoadMeter meter, RunControl control) : IAsyncDisposable
{
    private const int ReadBytes = 256;

    private readonly IAsyncDisposable?[] _links = new IAsyncDisposable?[connections];
    private readonly Task?[] _reading = new Task?[connections];
    private int _opened;

    /// <summary>Connections that opened.</summary>
    public int Opened => _opened;

    /// <summary>Opens all; those that do not open are counted, unless it is the very first.</summary>
    /// <returns>How long it took.</returns>
    /// <exception cref="BenchException">The first did not open, or so many can not be.</exception>
    public async Task<TimeSpan> OpenAsync()
    {
        OpenFiles.Check(connections, OpenFiles.Limit);
        control.EnterOpening(connections);
        long start = Stopwatch.GetTimestamp();
        try
        {
            await OpenAsync(0, control.Stopping).ConfigureAwait(false);
            await Dialer.OpenAllAsync(connections - 1, async (number, cancellationToken) =>
            {
                try
                {
                    await OpenAsync(number + 1, cancellationToken).ConfigureAwait(false);
                }
                catch (BenchException failure)
                {
                    control.DropConnection(failure, ends: false);
                }
            }, control.Stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (control.Stopping.IsCancellationRequested)
        {
            // What has opened is told.
        }

        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Closes all.</summary>
    public async ValueTask DisposeAsync()
    {
        control.End();
        await Task.WhenAll(_links.OfType<IAsyncDisposable>().Select(link => link.DisposeAsync().AsTask())).ConfigureAwait(false);
        await Task.WhenAll(_reading.OfType<Task>()).ConfigureAwait(false);
    }

    private async ValueTask OpenAsync(int number, CancellationToken cancellationToken)
    {
        long start = BenchClock.Now;
        if (token is null)
        {
            ClientWebSocket socket = await dialer.OpenAsync(cancellationToken).ConfigureAwait(false);
            _links[number] = new Closing(socket);
            byte[] ignored = new byte[ReadBytes];
            _reading[number] = HoldAsync(() => socket.ReadAsync(ignored).AsTask());
        }
        else
        {
            CentrifugeLink link =
                await CentrifugeLink.OpenAsync(dialer, token, ReadBytes, channel: null, cancellationToken).ConfigureAwait(false);
            _links[number] = link;
            _reading[number] = HoldAsync(() => AnswerAsync(link));
        }

        meter.Record(number, BenchClock.Now - start);
        Interlocked.Increment(ref _opened);
    }

    private async Task HoldAsync(Func<Task> read)
    {
        try
        {
            while (true) await read().ConfigureAwait(false);
        }
        catch (Exception failure) when (SocketReading.IsOfSocket(failure))
        {
            meter.Closed();
            control.DropConnection(failure, ends: false);
        }
    }

    private static async Task AnswerAsync(CentrifugeLink link)
    {
        await link.Lines.ReadAsync().ConfigureAwait(false);
        bool owesPong = false;
        while (link.Lines.TryTake(out ReadOnlySpan<byte> line)) owesPong |= line.SequenceEqual(CentrifugeReply.Ping);
        if (owesPong) await link.PongAsync().ConfigureAwait(false);
    }

    private sealed class Closing(ClientWebSocket socket) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await SocketReading.EndAsync(socket).ConfigureAwait(false);
    }
}
