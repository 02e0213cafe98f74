using System.Security.Cryptography;

namespace Broker.Host.Http;

/// <summary>The pages' files, which are built into the executable.</summary>
public static class PageFiles
{
    /// <summary>What the page may do: its own script, style and WebSocket, and nothing else.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly Dictionary<string, PageFile> Files = new(StringComparer.Ordinal)
    {
        ["/"] = Load("index.html", "text/html; charset=utf-8"),
        ["/cluster"] = Load("cluster.html", "text/html; charset=utf-8"),
        ["/cluster.css"] = Load("cluster.css", "text/css; charset=utf-8"),
        ["/cluster.js"] = Load("cluster.js", "text/javascript; charset=utf-8"),
        ["/page.css"] = Load("page.css", "text/css; charset=utf-8"),
        ["/chart.js"] = Load("chart.js", "text/javascript; charset=utf-8"),
        ["/client.js"] = Load("client.js", "text/javascript; charset=utf-8"),
        ["/page.js"] = Load("page.js", "text/javascript; charset=utf-8"),
    };

    /// <summary>Finds the file of a path, or <c>null</c>.</summary>
    public static PageFile? Find(string path) => Files.GetValueOrDefault(path);

    private static PageFile Load(string name, string contentType)
    {
        using Stream stream = typeof(PageFiles).Assembly.GetManifestResourceStream("Broker.Host.Page." + name)
            ?? throw new InvalidOperationException($"The executable was built without {name}.");
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new PageFile(content, contentType, $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..16]}\"");
    }
}

/// <summary>A file that browsers ask for.</summary>
/// <param name="Content">All of its bytes.</param>
/// <param name="ContentType">Its media type.</param>
/// <param name="Tag">Its entity tag, which changes with the content.</param>
public sealed record PageFile(ReadOnlyMemory<byte> Content, string ContentType, string Tag);
