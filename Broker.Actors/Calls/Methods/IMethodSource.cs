namespace Broker.Actors.Calls.Methods;

/// <summary>Something that has methods for clients to call, such as the keyed store. It is asked once, before the hub starts.</summary>
public interface IMethodSource
{
    /// <summary>Adds its methods.</summary>
    /// <param name="methods">The hub's; see there what a handler may rely on.</param>
    /// <exception cref="ArgumentException">A name is taken, or its number is another name's: the hub does not start.</exception>
    void AddTo(MethodRegistry methods);
}
