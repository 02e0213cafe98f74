using Xunit;

namespace Broker.Tests.Deflate;

/// <summary>Tests that count the process's native states, and so run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class NativeStates
{
    public const string Name = "native states";
}
