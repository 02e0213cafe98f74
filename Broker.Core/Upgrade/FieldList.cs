namespace Broker.Core.Upgrade;

/// <summary>Walks the elements of a comma-separated field value. RFC 9110 section 5.6.1.</summary>
/// <remarks>For lists of tokens only: it knows nothing of quoted strings.</remarks>
internal ref struct FieldList(ReadOnlySpan<byte> value)
{
    private ReadOnlySpan<byte> _rest = value;

    /// <summary>Takes the next element that is not empty.</summary>
    /// <param name="element">The element without white space around it; empty when there is none left.</param>
    public bool TryNext(out ReadOnlySpan<byte> element)
    {
        while (!_rest.IsEmpty)
        {
            int comma = _rest.IndexOf((byte)',');
            element = HttpText.TrimSpace(comma < 0 ? _rest : _rest[..comma]);
            _rest = comma < 0 ? default : _rest[(comma + 1)..];

            // "A recipient MUST parse and ignore a reasonable number of empty list elements", section 5.6.1.2.
            if (!element.IsEmpty) return true;
        }

        element = default;
        return false;
    }

    /// <summary>Whether one element of the list is this token, in any case.</summary>
    /// <param name="value">The field value.</param>
    /// <param name="token">The token, in any case.</param>
    public static bool Holds(ReadOnlySpan<byte> value, ReadOnlySpan<byte> token)
    {
        var list = new FieldList(value);
        while (list.TryNext(out ReadOnlySpan<byte> element))
        {
            if (System.Text.Ascii.EqualsIgnoreCase(element, token)) return true;
        }

        return false;
    }
}
