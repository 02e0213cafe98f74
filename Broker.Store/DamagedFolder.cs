using System.Globalization;
using IOPath = System.IO.Path;

namespace Broker.Store;

/// <summary>Where a repair puts what it takes out of a store: a folder inside the store's, made with the first of it.</summary>
internal sealed class DamagedFolder(string store)
{
    private string? _path;

    /// <summary>The folder.</summary>
    public string Path => _path ??= Make();

    /// <summary>Whether anything is in it.</summary>
    public bool IsUsed => _path is not null;

    /// <summary>Moves a file there.</summary>
    public void Move(string file) => File.Move(file, PositionOf(file));

    /// <summary>Copies a file there.</summary>
    public void Copy(string file) => File.Copy(file, PositionOf(file));

    // A manifest that was made anew may have the name of the one before.
    private string PositionOf(string file)
    {
        string place = IOPath.Combine(Path, IOPath.GetFileName(file));
        for (int i = 1; File.Exists(place); i++) place = IOPath.Combine(Path, $"{IOPath.GetFileName(file)}.{i}");
        return place;
    }

    private string Make()
    {
        string name = $"damaged-{DateTime.UtcNow.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}";
        string path = IOPath.Combine(store, name);
        for (int i = 1; Directory.Exists(path); i++) path = IOPath.Combine(store, $"{name}.{i}");
        return Directory.CreateDirectory(path).FullName;
    }
}
