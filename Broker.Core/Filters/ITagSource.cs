using System.Diagnostics.CodeAnalysis;

namespace Broker.Core.Filters;

/// <summary>Something with tags that a filter can look at.</summary>
public interface ITagSource
{
    /// <summary>Finds the value of a tag, by its exact name.</summary>
    bool TryGet(string name, [NotNullWhen(true)] out string? value);
}
