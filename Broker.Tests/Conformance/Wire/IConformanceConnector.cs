namespace Broker.Tests.Conformance.Wire;

/// <summary>A connection whose opening handshake is done.</summary>
/// <param name="Source">The server's octets, buffered.</param>
/// <param name="Target">Where the client's octets go, each write at once.</param>
/// <param name="ExtensionAnswer">The extensions that the server accepted, or null.</param>
public sealed record ConformanceConnection(Stream Source, Stream Target, string? ExtensionAnswer);

/// <summary>Opens the connection of one case, whatever carries it.</summary>
public interface IConformanceConnector
{
    /// <summary>What the report calls the endpoint.</summary>
    string Name { get; }

    /// <summary>Connects and performs the opening handshake.</summary>
    /// <param name="extensionOffer">The value of Sec-WebSocket-Extensions, or null for none.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <exception cref="HandshakeException">The server did not accept as it must.</exception>
    Task<ConformanceConnection> OpenAsync(string? extensionOffer, CancellationToken stop);
}
