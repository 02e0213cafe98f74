using System.Security.Cryptography;
using Broker.Configuration;

namespace Broker.Identity.Keys;

/// <summary>Reads public keys in PEM, as a text or out of a file.</summary>
public static class KeyFiles
{
    private const string PemStart = "-----BEGIN ";
    private const int PemBytesMax = 64 * 1024;

    /// <summary>Reads an RSA public key.</summary>
    /// <param name="pemOrPath">PEM (SubjectPublicKeyInfo or PKCS #1), or the path of a file with it.</param>
    /// <exception cref="InvalidDataException">It is none, or the file cannot be read; the message says what.</exception>
    public static TokenKey ReadRsa(string pemOrPath) => Read(pemOrPath, "RSA", static pem =>
    {
        var rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        return PublicKey.OfRsa(rsa);
    });

    /// <summary>Reads an ECDSA public key.</summary>
    /// <param name="pemOrPath">PEM (SubjectPublicKeyInfo), or the path of a file with it.</param>
    /// <exception cref="InvalidDataException">It is none, or the file cannot be read; the message says what.</exception>
    public static TokenKey ReadEcdsa(string pemOrPath) => Read(pemOrPath, "ECDSA", static pem =>
    {
        var ecdsa = ECDsa.Create();
        ecdsa.ImportFromPem(pem);
        return PublicKey.OfEcdsa(ecdsa);
    });

    private static TokenKey Read(string pemOrPath, string kind, Func<string, TokenKey> import)
    {
        ArgumentException.ThrowIfNullOrEmpty(pemOrPath);
        string pem = pemOrPath.Contains(PemStart, StringComparison.Ordinal) ? pemOrPath : ReadFile(pemOrPath);
        if (pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new InvalidDataException("it is a private key; the hub needs the public one alone");
        }

        try
        {
            return import(pem);
        }
        catch (Exception bad) when (bad is CryptographicException or ArgumentException)
        {
            throw new InvalidDataException($"it is no {kind} public key: {bad.Message}", bad);
        }
    }

    private static string ReadFile(string path)
    {
        if (path.Any(char.IsControl)) throw new InvalidDataException("it is neither PEM nor a path without control characters");
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > PemBytesMax) throw new InvalidDataException($"the file {path} is longer than a key");
            return SettingFile.ReadAllText(path, PemBytesMax);
        }
        catch (Exception unreadable) when (
            unreadable is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new InvalidDataException($"it is neither PEM nor the path of a file that can be read: {unreadable.Message}", unreadable);
        }
    }
}
