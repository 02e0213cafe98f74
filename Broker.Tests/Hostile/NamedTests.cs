using System.Reflection;

namespace Broker.Tests.Hostile;

/// <summary>Tests by the names that pages and other tests give them.</summary>
internal static class NamedTests
{
    private static readonly HashSet<string> s_names =
    [
        .. from type in typeof(NamedTests).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
           where method.GetCustomAttribute<FactAttribute>() is { Skip: null }
           select $"{type.Name}.{method.Name}",
    ];

    /// <summary>Fails if there is no such test, or if it is skipped.</summary>
    /// <param name="name">Class and method: <c>FloodTests.Deep_nesting_is_refused_without_depth</c>.</param>
    public static void Expect(string name) => Assert.True(s_names.Contains(name), $"There is no test {name} any more.");
}
