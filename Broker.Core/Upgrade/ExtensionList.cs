using System.Text;

namespace Broker.Core.Upgrade;

/// <summary>Walks the value of Sec-WebSocket-Extensions: extensions, and the parameters of each. RFC 6455 section 9.1.</summary>
/// <param name="value">The value as written; repeated lines joined by a comma.</param>
internal ref struct ExtensionList(ReadOnlySpan<char> value)
{
    private const string Space = " \t";

    private ReadOnlySpan<char> _rest = value;
    private bool _inside;  // Behind an extension's name, where its parameters stand.

    /// <summary>Whether the value does not follow the grammar; nothing behind the first slip is read.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Moves to the next extension, past whatever parameters of the one before were not read.</summary>
    /// <returns>False at the end and at a slip.</returns>
    public bool TryNext(out ReadOnlySpan<char> name)
    {
        name = default;
        while (TryNextParameter(out _, out _)) { }
        if (IsBroken) return false;

        // "A recipient MUST parse and ignore a reasonable number of empty list elements", RFC 9110 section 5.6.1.2.
        _rest = _rest.TrimStart(" \t,");
        if (_rest.IsEmpty) return false;
        _inside = true;
        return TryTakeToken(out name);
    }

    /// <summary>Takes the next parameter of the extension at hand.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value without quotation marks; none for a parameter without one.</param>
    /// <returns>False when it has no more, and at a slip.</returns>
    public bool TryNextParameter(out ReadOnlySpan<char> name, out string? value)
    {
        name = default;
        value = null;
        _rest = _rest.TrimStart(Space);
        if (IsBroken || !_inside || _rest.IsEmpty || _rest[0] == ',')
        {
            _inside = false;
            return false;
        }

        return TryTake(';') && TryTakeToken(out name) && (_rest.IsEmpty || _rest[0] != '=' || (TryTake('=') && TryTakeValue(out value)));
    }

    private bool TryTake(char mark)
    {
        if (_rest[0] != mark) return Break();
        _rest = _rest[1..].TrimStart(Space);
        return true;
    }

    private bool TryTakeToken(out ReadOnlySpan<char> token)
    {
        int length = HttpText.TokenLength(_rest);
        token = _rest[..length];
        _rest = _rest[length..].TrimStart(Space);
        return length > 0 || Break();
    }

    private bool TryTakeValue(out string? value)
    {
        bool quoted = !_rest.IsEmpty && _rest[0] == '"';
        bool good = quoted ? TryTakeQuoted(out ReadOnlySpan<char> text) : TryTakeToken(out text);
        value = text.ToString();
        return good;
    }

    private bool TryTakeQuoted(out ReadOnlySpan<char> text)
    {
        var unquoted = new StringBuilder();
        int at = 1;
        for (; at < _rest.Length && _rest[at] != '"'; at++)
        {
            if (_rest[at] == '\\' && ++at == _rest.Length) break;
            unquoted.Append(_rest[at]);
        }

        // "When using the quoted-string syntax variant, the value after quoted-string unescaping MUST conform to the
        // 'token' ABNF", section 9.1.
        text = unquoted.ToString();
        if (at >= _rest.Length || !HttpText.IsToken(text)) return Break();
        _rest = _rest[(at + 1)..].TrimStart(Space);
        return true;
    }

    private bool Break()
    {
        IsBroken = true;
        return false;
    }
}
