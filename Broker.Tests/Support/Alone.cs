using Xunit;

namespace Broker.Tests.Support;

/// <summary>
/// Tests that measure what their thread allocates, and so run by themselves: a collection that another test causes takes
/// away what is left of the thread's allocation quantum, and counts it as allocated.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
