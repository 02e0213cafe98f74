using System.Net;

namespace Broker.Identity.Keys;

/// <summary>Where key sets come from.</summary>
public static class JwksLoaders
{
    /// <summary>Reads a key set out of a file, anew each time.</summary>
    public static Func<CancellationToken, Task<byte[]>> FromFile(string path) => async cancellationToken =>
    {
        await using FileStream file = File.OpenRead(path);
        return await ReadBoundedAsync(file, cancellationToken).ConfigureAwait(false);
    };

    /// <summary>Fetches a key set from a URL whose host is on a list.</summary>
    /// <param name="url">The URL; <see cref="CheckUrl"/> has no fault with it.</param>
    /// <param name="client">Follows no redirects: one could lead to any host.</param>
    public static Func<CancellationToken, Task<byte[]>> FromUrl(Uri url, HttpClient client) => async cancellationToken =>
    {
        using HttpResponseMessage response =
            await client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new InvalidDataException($"{url.Host} answered with status {(int)response.StatusCode}");
        await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return await ReadBoundedAsync(body, cancellationToken).ConfigureAwait(false);
    };

    /// <summary>A client for <see cref="FromUrl"/>.</summary>
    public static HttpClient CreateClient() =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });

    /// <summary>Judges the URL of a key set.</summary>
    /// <returns>What would be right, or <c>null</c> if the URL is.</returns>
    /// <param name="url">The URL.</param>
    /// <param name="hosts">Hosts that keys may be fetched from, without ports.</param>
    public static string? CheckUrl(string url, IReadOnlyCollection<string> hosts)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.UserInfo.Length > 0
            || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp))
        {
            return "an absolute http or https URL without a user, such as https://login.example.org/keys";
        }

        if (!hosts.Contains(uri.Host, StringComparer.OrdinalIgnoreCase))
        {
            return $"a URL whose host is on the list of allowed hosts ({(hosts.Count == 0 ? "which is empty" : string.Join(", ", hosts))})";
        }

        return null;
    }

    private static async Task<byte[]> ReadBoundedAsync(Stream source, CancellationToken cancellationToken)
    {
        using var target = new MemoryStream();
        byte[] piece = new byte[16 * 1024];
        while (await source.ReadAsync(piece, cancellationToken).ConfigureAwait(false) is > 0 and var read)
        {
            if (target.Length + read > JwksDocument.BytesMax)
                throw new InvalidDataException($"the key set has more than {JwksDocument.BytesMax} bytes");
            target.Write(piece, 0, read);
        }

        return target.ToArray();
    }
}
