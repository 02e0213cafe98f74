namespace Broker.Tests.Support;

/// <summary>Where the project of the running tests is.</summary>
internal static class ProjectFolder
{
    /// <summary>The nearest folder above the running tests that holds their project, or else their own.</summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Broker.Tests.csproj"))) folder = folder.Parent;
        return folder?.FullName ?? AppContext.BaseDirectory;
    }
}
