using System.Text;
using Broker.Store;

namespace Broker.Tests.Store;

/// <summary>A store in a folder of its own, that goes with the test.</summary>
internal sealed class StoreFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("broker-store-").FullName;

    public string Path => _path;

    public KeyedStore Open(StoreSettings? settings = null) => KeyedStore.Open(_path, settings);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string? Text(PinnedValue? value)
    {
        if (value is null) return null;
        string text = Encoding.UTF8.GetString(value.GetSpan());
        value.Dispose();
        return text;
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
