namespace Broker.Core.Upgrade;

/// <summary>Walks the field lines of a request head whose every LF is known to follow a CR. RFC 9112 section 5.</summary>
/// <param name="section">The lines, each with its CRLF; the empty line at the end may be there or not.</param>
internal ref struct FieldLines(ReadOnlySpan<byte> section)
{
    private ReadOnlySpan<byte> _rest = section;

    /// <summary>Why the last line was refused.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>Takes the next line apart.</summary>
    /// <param name="name">The field's name, a token.</param>
    /// <param name="value">The field's value without white space around it.</param>
    /// <returns><c>false</c> at the end of the section and at a broken line, which leaves a <see cref="Reason"/>.</returns>
    public bool TryNext(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = default;
        value = default;
        int length = _rest.IndexOf((byte)'\n') - 1;
        if (length <= 0) return false;

        ReadOnlySpan<byte> line = _rest[..length];
        _rest = _rest[(length + 2)..];

        int colon = line.IndexOf((byte)':');
        if (line[0] is (byte)' ' or (byte)'\t')
        {
            // "A server that receives an obs-fold in a request message ... MUST either reject the message", section 5.2.
            Reason = "A field line starts with white space: folded lines are obsolete (RFC 9112 section 5.2).";
        }
        else if (colon > 0 && line[colon - 1] is (byte)' ' or (byte)'\t')
        {
            // "A server MUST reject, with a response status code of 400 (Bad Request), any received request message
            // that contains whitespace between a header field name and colon", section 5.1.
            Reason = "White space stands before the colon of a field line (RFC 9112 section 5.1).";
        }
        else if (colon <= 0 || !HttpText.IsToken(line[..colon]))
        {
            Reason = "A field line has no name that is a token (RFC 9110 section 5.1).";
        }
        else if (line[colon..].ContainsAny(HttpText.ForbiddenInValue))
        {
            // "Field values containing CR, LF, or NUL characters are invalid and dangerous", RFC 9110 section 5.5.
            Reason = "A field value holds a control character (RFC 9110 section 5.5).";
        }
        else
        {
            name = line[..colon];
            value = HttpText.TrimSpace(line[(colon + 1)..]);
            return true;
        }

        return false;
    }
}
