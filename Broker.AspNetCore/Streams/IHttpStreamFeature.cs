namespace Broker.AspNetCore.Streams;

/// <summary>
/// What a server knows of a connection whose request becomes a stream, where it holds its connections to bounds of its own. A feature of
/// the connection.
/// </summary>
public interface IHttpStreamFeature
{
    /// <summary>
    /// The request has become a stream, which the hub counts: until it is disposed of, it is none of the server's requests.
    /// </summary>
    IDisposable BeginStream();

    /// <summary>Waits until the client has ended its side, or the connection has failed, even if the server learns of it later.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    Task WaitForPeerEndAsync(CancellationToken cancellationToken);
}
