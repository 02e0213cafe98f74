using System.Text.Json;
using System.Text.Unicode;

namespace Broker.Identity;

/// <summary>Bytes that may be JSON.</summary>
public static class JsonText
{
    /// <summary>
    /// Whether bytes are one well-formed JSON value in UTF-8, nested at most 62 deep, so that it can stand inside another.
    /// </summary>
    public static bool IsValue(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes)) return false;
        try
        {
            var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = 62 });
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
