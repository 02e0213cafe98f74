using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>JSON that is passed on as it was written, and texts made into JSON.</summary>
/// <remarks>
/// A line feed separates the lines of a frame. In well-formed JSON a raw one can only be white space between tokens, so a
/// space in its place changes no value. The official server takes them out; a space keeps the length, and so a copy is
/// measured before it is made. Carriage returns go the same way, because some clients' line readers split there too.
/// </remarks>
public static class RawJson
{
    /// <summary>Bytes that one byte of text takes at most when it is escaped: \u0000.</summary>
    internal const int EscapedPerByteMax = 6;

    private static readonly JavaScriptEncoder Escapes = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>Is this one well-formed JSON value, in white space perhaps, and nested at most 62 deep?</summary>
    /// <remarks>For data that does not come out of a command, such as a server's own. UTF-8 is not checked.</remarks>
    public static bool IsValid(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = CentrifugeProtocol.DepthMax - 2 });
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Copies JSON to the start of the target, each line feed and carriage return made a space.</summary>
    /// <param name="source">Well-formed JSON.</param>
    /// <param name="target">At least as long as the source.</param>
    public static void CopyAsLine(ReadOnlySpan<byte> source, Span<byte> target)
    {
        source.CopyTo(target);
        Span<byte> copy = target[..source.Length];
        int first = copy.IndexOfAny((byte)'\n', (byte)'\r');
        if (first < 0) return;
        copy[first..].Replace((byte)'\n', (byte)' ');
        copy[first..].Replace((byte)'\r', (byte)' ');
    }

    /// <summary>Writes a text as a JSON string without its quotes, and gives the bytes written.</summary>
    /// <param name="text">UTF-8; what is not becomes U+FFFD, so what comes out is always well-formed.</param>
    /// <param name="target">At least six times as long as the text.</param>
    internal static int Escape(ReadOnlySpan<byte> text, Span<byte> target)
    {
        if (Escapes.FindFirstCharacterToEncodeUtf8(text) < 0)
        {
            text.CopyTo(target);
            return text.Length;
        }
        OperationStatus status = Escapes.EncodeUtf8(text, target, out _, out int written);
        return status == OperationStatus.Done ? written : throw new ArgumentException("The target is too short.", nameof(target));
    }

    /// <summary>A text with its JSON escapes; the same one if it needs none.</summary>
    internal static string Escape(string text) => Escapes.Encode(text);
}
