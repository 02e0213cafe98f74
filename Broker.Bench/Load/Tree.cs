namespace Broker.Bench.Load;

/// <summary>The working tree that this assembly was built in.</summary>
internal static class Tree
{
    /// <summary>The folder with <c>broker.sln</c> in it.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "broker.sln"))) return folder.FullName;
        }
        throw new LoadException("Broker.Bench runs from its own tree, and there is no broker.sln above it.");
    }
}
