using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>Answers one call of the hub.</summary>
/// <param name="arguments">As the hub sent them; the method's to keep.</param>
/// <param name="cancellationToken">Cancelled when the hub waits no longer, and when the connection is lost.</param>
/// <returns>The result; not to be changed afterwards.</returns>
public delegate ValueTask<ReadOnlyMemory<byte>> ClientMethod(ReadOnlyMemory<byte> arguments, CancellationToken cancellationToken);

/// <summary>Answers one call of the hub that may have further arguments, or several results.</summary>
/// <param name="call">What is called.</param>
/// <param name="cancellationToken">Cancelled when the hub waits no longer, and when the connection is lost.</param>
/// <returns>The last result; not to be changed afterwards.</returns>
public delegate ValueTask<ReadOnlyMemory<byte>> ClientItemsMethod(HubCall call, CancellationToken cancellationToken);

/// <summary>The methods of this program that the hub may call, by name. Add them before the client connects.</summary>
/// <remarks>
/// They run on the thread pool, as many at once as the hub calls. A <see cref="CallFailedException"/> that a method throws is the hub's
/// answer, with its code and text; any other exception reaches <see cref="Failed"/>, and the hub gets an internal fault without a text.
/// </remarks>
public sealed class ClientMethods
{
    private readonly MethodTable<ClientItemsMethod> _table = new();

    /// <summary>
    /// Raised when a method failed: its name, and what it threw. On the thread pool; what a listener itself throws goes to
    /// <see cref="TaskScheduler.UnobservedTaskException"/>.
    /// </summary>
    public event Action<string, Exception>? Failed;

    /// <summary>Adds a method.</summary>
    /// <param name="name">What the hub calls it.</param>
    /// <param name="method">What answers.</param>
    /// <exception cref="ArgumentException">The name is empty or taken, or its number is another name's.</exception>
    public void Add(string name, ClientMethod method)
    {
        ArgumentNullException.ThrowIfNull(method);
        _table.Add(name, (call, cancellationToken) => method(call.Arguments, cancellationToken));
    }

    /// <summary>Adds a method that reads further arguments, or sends several results.</summary>
    /// <param name="name">What the hub calls it.</param>
    /// <param name="method">What answers.</param>
    /// <exception cref="ArgumentException">The name is empty or taken, or its number is another name's.</exception>
    public void AddWithItems(string name, ClientItemsMethod method)
    {
        ArgumentNullException.ThrowIfNull(method);
        _table.Add(name, method);
    }

    internal bool TryGet(MethodId id, out string name, out ClientItemsMethod method) => _table.TryGet(id, out name, out method);

    internal void Report(string name, Exception failure) => Failed.Notify(listener => listener(name, failure));
}
