using System.Text.Json;
using System.Text.Json.Nodes;

namespace Broker.Tests.Dialects.Centrifuge;

/// <summary>Reads what we wrote with another reader than ours.</summary>
internal static class Json
{
    /// <summary>The text at the end of a path of member names.</summary>
    public static string? Get(string line, params string[] path) => (string?)At(line, path);

    /// <summary>The node at the end of a path of member names.</summary>
    public static JsonNode? At(string line, params string[] path)
    {
        JsonNode? node = JsonNode.Parse(line, documentOptions: new JsonDocumentOptions { MaxDepth = 128 });
        foreach (string name in path) node = node![name];
        return node;
    }
}
