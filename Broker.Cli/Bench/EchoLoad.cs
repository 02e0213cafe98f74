using System.Net.WebSockets;

namespace Broker.Cli.Bench;

/// <summary>What <c>bench echo</c> was asked for.</summary>
/// <param name="Connections">Connections.</param>
/// <param name="Bytes">Of each message.</param>
/// <param name="Depth">Messages under way on each connection.</param>
/// <param name="Messages">Sent on each connection, or 0: until the time is over.</param>
internal sealed record EchoPlan(int Connections, int Bytes, int Depth, long Messages);

/// <summary>Connections whose messages come back.</summary>
internal sealed class EchoLoad(EchoPlan plan, Dialer dialer, LoadMeter meter, RunControl control) : ILoad
{
    private readonly ClientWebSocket?[] _sockets = new ClientWebSocket?[plan.Connections];
    private readonly EchoConnection?[] _connections = new EchoConnection?[plan.Connections];

    /// <inheritdoc/>
    public async Task OpenAsync()
    {
        OpenFiles.Check(plan.Connections, OpenFiles.Limit);
        control.EnterOpening(plan.Connections);
        await Dialer.OpenAllAsync(plan.Connections, async (number, cancellationToken) =>
        {
            ClientWebSocket socket = await dialer.OpenAsync(cancellationToken).ConfigureAwait(false);
            _sockets[number] = socket;
            _connections[number] = new EchoConnection(number, socket, plan, meter, control);
        }, control.Stopping).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task RunAsync() => Task.WhenAll(_connections.Select(connection => Task.Run(connection!.RunAsync)));

    /// <inheritdoc/>
    public Tally Count()
    {
        var tally = default(Tally);
        foreach (EchoConnection? connection in _connections) connection?.AddTo(ref tally);
        return tally;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_sockets.OfType<ClientWebSocket>().Select(SocketReading.EndAsync)).ConfigureAwait(false);
}
