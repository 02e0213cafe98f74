using System.Buffers;

namespace Broker.Core.Upgrade;

/// <summary>The characters that HTTP allows in each place. RFC 9110 section 5.6, RFC 9112 section 3.2.</summary>
internal static class HttpText
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const string Digits = "0123456789";

    /// <summary><c>tchar</c>, RFC 9110 section 5.6.2.</summary>
    private const string TokenMarks = "!#$%&'*+-.^_`|~";

    private static readonly SearchValues<byte> TokenBytes = Bytes(Letters + Digits + TokenMarks);
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(Letters + Digits + TokenMarks);

    /// <summary>What no field value holds: every control but HTAB. RFC 9110 section 5.5.</summary>
    public static readonly SearchValues<byte> ForbiddenInValue = Bytes(Controls(except: '\t'));

    /// <summary>What a browser sends unencoded in a path: wider than RFC 3986's <c>pchar</c> by <c>[ ] |</c>.</summary>
    public static readonly SearchValues<byte> PathBytes = Bytes(Letters + Digits + "/!$%&'()*+,-.:;=@[]_|~");

    /// <summary>What a browser sends unencoded in a query: visible ASCII but <c>" # &lt; &gt;</c>.</summary>
    public static readonly SearchValues<byte> QueryBytes = Bytes(Letters + Digits + "/!$%&'()*+,-.:;=?@[\\]^_`{|}~");

    /// <summary>The base64 alphabet without its padding. RFC 4648 section 4.</summary>
    public static readonly SearchValues<char> Base64Characters = SearchValues.Create(Letters + Digits + "+/");

    /// <summary>RFC 3986's <c>unreserved</c>: every name that DNS can hold, and no delimiter.</summary>
    public static readonly SearchValues<char> HostCharacters = SearchValues.Create(Letters + Digits + "-._~");

    /// <summary>An IPv6 literal between its brackets, without a zone.</summary>
    public static readonly SearchValues<char> AddressCharacters = SearchValues.Create(Digits + "ABCDEFabcdef:.");

    /// <summary>RFC 3986 section 3.1, behind the first letter.</summary>
    public static readonly SearchValues<char> SchemeCharacters = SearchValues.Create(Letters + Digits + "+-.");

    /// <summary>Visible ASCII and the space: what a field value that we write is made of.</summary>
    public static readonly SearchValues<char> VisibleCharacters =
        SearchValues.Create(Letters + Digits + " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");

    /// <summary>Decimal digits.</summary>
    public static readonly SearchValues<char> DigitCharacters = SearchValues.Create(Digits);

    /// <summary>Whether the text is one token: not empty, <c>tchar</c> only.</summary>
    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenBytes);

    /// <inheritdoc cref="IsToken(ReadOnlySpan{byte})"/>
    public static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenCharacters);

    /// <summary>How many characters of the text, from its start, may stand in a token.</summary>
    public static int TokenLength(ReadOnlySpan<char> text) =>
        text.IndexOfAnyExcept(TokenCharacters) is var end and >= 0 ? end : text.Length;

    /// <summary>Whether the byte may stand in a token.</summary>
    public static bool IsTokenByte(byte value) => TokenBytes.Contains(value);

    /// <summary>The text without the optional white space around it. RFC 9110 section 5.6.3.</summary>
    public static ReadOnlySpan<byte> TrimSpace(ReadOnlySpan<byte> text) => text.Trim(" \t"u8);

    private static SearchValues<byte> Bytes(string characters) =>
        SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(characters));

    private static string Controls(char except)
    {
        var controls = new System.Text.StringBuilder("\x7f");
        for (char control = '\0'; control < ' '; control++)
        {
            if (control != except) controls.Append(control);
        }

        return controls.ToString();
    }
}
