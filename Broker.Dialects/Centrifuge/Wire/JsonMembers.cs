using System.Text.Json;

namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Walks the members of JSON objects in borrowed bytes and reads their values by type.</summary>
/// <remarks>
/// The first thing of a wrong type or range sets <see cref="Reason"/>, and then no member is found any more, so that
/// callers need not look after each value; readers of values are told the member's name for that reason alone.
/// Malformed JSON throws <see cref="JsonException"/>, which callers catch once. A value of null leaves what was there
/// before, as does a wrong one.
/// </remarks>
internal ref struct JsonMembers(ReadOnlySpan<byte> json)
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = CentrifugeProtocol.DepthMax };

    private readonly ReadOnlySpan<byte> _json = json;
    private Utf8JsonReader _reader = new(json, Options);

    /// <summary>What is wrong, or null.</summary>
    public string? Reason { get; private set; }

    /// <summary>Enters the object that is the whole of the bytes.</summary>
    public bool EnterRoot()
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.StartObject) return true;
        Refuse("The line is not a JSON object.");
        return false;
    }

    /// <summary>Checks that nothing but white space follows the object that is the whole of the bytes.</summary>
    public void LeaveRoot() => _reader.Read();

    /// <summary>Enters the object that is the value of this member; false if it is null, or wrong.</summary>
    public bool Enter(string member)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.StartObject) return true;
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not an object.");
        return false;
    }

    /// <summary>Goes to the next member of the object; false at its end, which is left, or if something is wrong.</summary>
    public bool Next(out ReadOnlySpan<byte> name)
    {
        name = default;
        if (Reason is not null) return false;
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.EndObject) return false;
        name = Unescaped();
        return Reason is null;
    }

    /// <summary>Steps over the value of this member.</summary>
    public void Skip() => _reader.Skip();

    /// <summary>Any value, as it is written.</summary>
    public ReadOnlySpan<byte> Raw()
    {
        _reader.Read();
        int start = (int)_reader.TokenStartIndex;
        _reader.Skip();
        return _json[start..(int)_reader.BytesConsumed];
    }

    /// <summary>An object, as it is written.</summary>
    public ReadOnlySpan<byte> RawObject(ReadOnlySpan<byte> before, string member)
    {
        ReadOnlySpan<byte> raw = Raw();
        if (raw[0] == (byte)'{') return raw;
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not an object.");
        return before;
    }

    /// <summary>A string, unescaped.</summary>
    public ReadOnlySpan<byte> Text(ReadOnlySpan<byte> before, string member)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.String) return Unescaped();
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not a text.");
        return before;
    }

    /// <summary>True or false.</summary>
    public bool Flag(bool before, string member)
    {
        _reader.Read();
        if (_reader.TokenType is JsonTokenType.True or JsonTokenType.False) return _reader.GetBoolean();
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not true or false.");
        return before;
    }

    /// <summary>A whole number from 0 to 2^32 - 1, written without a fraction or an exponent.</summary>
    public uint UInt32(uint before, string member)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetUInt32(out uint number)) return number;
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not a whole number from 0 to 2^32 - 1.");
        return before;
    }

    /// <summary>A whole number from 0 to 2^64 - 1, written without a fraction or an exponent.</summary>
    public ulong UInt64(ulong before, string member)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetUInt64(out ulong number)) return number;
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not a whole number from 0 to 2^64 - 1.");
        return before;
    }

    /// <summary>A whole number from -2^31 to 2^31 - 1, written without a fraction or an exponent.</summary>
    public int Int32(int before, string member)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetInt32(out int number)) return number;
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not a whole number from -2^31 to 2^31 - 1.");
        return before;
    }

    /// <summary>A whole number from -2^63 to 2^63 - 1, written without a fraction or an exponent.</summary>
    public long Int64(long before, string member)
    {
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out long number)) return number;
        if (_reader.TokenType != JsonTokenType.Null) Refuse($"{member} is not a whole number from -2^63 to 2^63 - 1.");
        return before;
    }

    /// <summary>Notes what is wrong, unless something was before.</summary>
    public void Refuse(string reason) => Reason ??= reason;

    private ReadOnlySpan<byte> Unescaped()
    {
        if (!_reader.ValueIsEscaped) return _reader.ValueSpan;
        byte[] text = new byte[_reader.ValueSpan.Length];    // Escapes only ever make a text longer.
        try
        {
            return text.AsSpan(0, _reader.CopyString(text));
        }
        catch (InvalidOperationException)
        {
            Refuse("A text has half of a surrogate pair, or is not UTF-8.");
            return default;
        }
    }
}
