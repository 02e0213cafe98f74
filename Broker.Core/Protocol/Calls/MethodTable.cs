using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Calls;

/// <summary>The methods that one side answers to, by the number that stands for their names.</summary>
/// <typeparam name="T">What runs a method.</typeparam>
public sealed class MethodTable<T>
{
    private readonly Dictionary<MethodId, (string Name, T Handler)> _methods = [];

    /// <summary>How many there are.</summary>
    public int Count => _methods.Count;

    /// <summary>Adds a method. Done at the start, so that a collision shows there and not at a call.</summary>
    /// <exception cref="ArgumentException">The name is empty or taken, or its number is another name's.</exception>
    public void Add(string name, T handler)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Add(name, MethodId.Of(name), handler);
    }

    /// <summary>Finds a method.</summary>
    /// <returns>False when there is none: answer <see cref="FaultCode.UnknownMethod"/>.</returns>
    public bool TryGet(MethodId id, out string name, out T handler)
    {
        bool found = _methods.TryGetValue(id, out (string Name, T Handler) method);
        (name, handler) = found ? method : ("", default!);
        return found;
    }

    /// <summary>Adds a method under a number that was found elsewhere: a collision of XXH3 can not be made at will.</summary>
    internal void Add(string name, MethodId id, T handler)
    {
        if (_methods.TryAdd(id, (name, handler))) return;
        string other = _methods[id].Name;
        throw new ArgumentException(
            other == name ? $"The method '{name}' is there already." : $"The methods '{name}' and '{other}' have the same id {id}.",
            nameof(name));
    }
}
