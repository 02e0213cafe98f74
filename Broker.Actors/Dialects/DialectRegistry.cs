using Broker.Actors.Channels.Delivery;
using Broker.Actors.Runtime;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Dialects;

/// <summary>The dialects of a hub, by the paths of their endpoints.</summary>
public sealed class DialectRegistry
{
    private readonly Dictionary<string, (Dialect Dialect, ConnectionEndpoint Endpoint)> _byPath = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MessageEndpoint> _messages = new(StringComparer.Ordinal);

    /// <summary>Registers dialects.</summary>
    /// <exception cref="ArgumentException">Two have the same path.</exception>
    public DialectRegistry(params IEnumerable<Dialect> dialects)
    {
        List<Dialect> all = [.. dialects];
        foreach (Dialect dialect in all)
        {
            foreach (ConnectionEndpoint endpoint in dialect.Endpoints)
            {
                if (!_byPath.TryAdd(endpoint.Path, (dialect, endpoint)))
                    throw new ArgumentException(
                        $"The dialects {_byPath[endpoint.Path].Dialect.Name} and {dialect.Name} have the same path {endpoint.Path}.",
                            nameof(dialects));
            }
        }

        foreach (MessageEndpoint endpoint in all.SelectMany(static dialect => dialect.MessageEndpoints))
        {
            if (_byPath.ContainsKey(endpoint.Path) || !_messages.TryAdd(endpoint.Path, endpoint))
                throw new ArgumentException($"Two endpoints have the same path {endpoint.Path}.", nameof(dialects));
        }

        Formats = new PublicationFormats(all.SelectMany(static dialect => dialect.Formats));
    }

    /// <summary>The formats of all of them.</summary>
    public PublicationFormats Formats { get; }

    /// <summary>The endpoints of all of them, each with a path of its own.</summary>
    public IEnumerable<ConnectionEndpoint> Endpoints => _byPath.Values.Select(static each => each.Endpoint);

    /// <summary>The paths to which messages are posted, none of them an endpoint's.</summary>
    public IEnumerable<MessageEndpoint> MessageEndpoints => _messages.Values;

    /// <summary>Makes the session of a connection that was opened on one of the endpoints.</summary>
    public IDialectSession CreateSession(Connection connection, LoopTurn turn)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return _byPath[connection.Endpoint!.Path].Dialect.CreateSession(connection, turn);
    }
}
