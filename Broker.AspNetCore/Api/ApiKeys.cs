using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Broker.AspNetCore.Api;

/// <summary>The keys of the server API: the one that shows one may do everything.</summary>
/// <remarks>
/// Their hashes are compared, all of them and in full, so the time that takes tells nothing about a key, not even its length.
/// </remarks>
public sealed class ApiKeys
{
    private const string Scheme = "apikey ";
    private const int KeyBytesMax = 1024;

    private volatile byte[][] _hashes = [];

    /// <summary>Takes keys.</summary>
    /// <param name="keys">At least one character each. None: every request is refused.</param>
    public ApiKeys(IEnumerable<string> keys) => Apply(keys);

    /// <summary>Takes other keys, from the next request on. From any thread.</summary>
    /// <param name="keys">As at the start.</param>
    public void Apply(IEnumerable<string> keys) => _hashes = [.. keys.Select(static key => SHA256.HashData(Encoding.UTF8.GetBytes(key)))];

    /// <summary>Whether a request shows a key: <c>X-API-Key: KEY</c>, or where that is absent <c>Authorization: apikey KEY</c>.</summary>
    public bool Allow(IHeaderDictionary headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (headers.TryGetValue("X-API-Key", out StringValues key)) return Allow(key.ToString());
        string authorization = headers.Authorization.ToString();
        return authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && Allow(authorization[Scheme.Length..]);
    }

    /// <summary>Whether a text is a key.</summary>
    public bool Allow(string key)
    {
        if (key is not { Length: > 0 and <= KeyBytesMax }) return false;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(key), hash);
        bool isAllowed = false;
        foreach (byte[] each in _hashes) isAllowed |= CryptographicOperations.FixedTimeEquals(each, hash);
        return isAllowed;
    }
}
