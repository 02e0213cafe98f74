namespace Broker.Reactor.Loops;

/// <summary>Puts handlers above connections of plain bytes that a loop accepts. Every call comes on the loop's thread.</summary>
public interface IByteAcceptor : IConnectionAcceptor
{
    /// <summary>A peer has connected.</summary>
    /// <returns>What stands above the connection; null to close it at once.</returns>
    IByteHandler? Accept(Connection connection);
}
