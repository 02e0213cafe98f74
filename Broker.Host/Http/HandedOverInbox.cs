using System.Net.Sockets;
using System.Threading.Channels;
using Broker.Reactor.Loops;

namespace Broker.Host.Http;

/// <summary>Connections on their way from the reactors to Kestrel; at most so many, and each is closed by someone.</summary>
public sealed class HandedOverInbox(int connectionsMax)
{
    private readonly Channel<HandedOver> _waiting = Channel.CreateBounded<HandedOver>(new BoundedChannelOptions(connectionsMax)
    {
        FullMode = BoundedChannelFullMode.Wait,
        SingleReader = false,
        AllowSynchronousContinuations = false,
    });

    /// <summary>Takes a connection from the hub. Never blocks; an inbox that is full or ended closes the connection.</summary>
    /// <param name="connection">Its descriptor belongs to the inbox from now on.</param>
    public void Give(HandedOver connection)
    {
        if (!_waiting.Writer.TryWrite(connection)) Close(connection);
    }

    /// <summary>Takes the next connection out; its descriptor belongs to the caller.</summary>
    /// <returns>The connection, or <c>null</c> once the inbox has ended and is empty.</returns>
    public async ValueTask<HandedOver?> TakeAsync(CancellationToken cancellationToken)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_waiting.Reader.TryRead(out HandedOver? connection)) return connection;
        }

        return null;
    }

    /// <summary>Ends the inbox and closes what nothing has taken.</summary>
    public void End()
    {
        _waiting.Writer.TryComplete();
        while (_waiting.Reader.TryRead(out HandedOver? connection)) Close(connection);
    }

    /// <summary>Closes a connection that no one will answer.</summary>
    public static void Close(HandedOver connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        new SafeSocketHandle(connection.Descriptor, ownsHandle: true).Dispose();
    }
}
