using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Cases;

/// <summary>Data of one kind, made up afresh and the same in every run, that messages are cut from.</summary>
public sealed class SampleData
{
    private static readonly Lazy<SampleData> LazyJson = new(() => new(MakeJson(194_056)));
    private static readonly Lazy<SampleData> LazyBitmap = new(() => new(MakeBitmap(263_222)));
    private static readonly Lazy<SampleData> LazyProse = new(() => new(MakeProse(222_218)));
    private static readonly Lazy<SampleData> LazyHtml = new(() => new(MakeHtml(263_620)));
    private static readonly Lazy<SampleData> LazyDense = new(() => new(MakeDense(1_042_328)));

    private readonly byte[] _octets;   // Or, for text,
    private readonly string? _text;    // its characters, which may take several octets each.

    private SampleData(byte[] octets) => _octets = octets;

    private SampleData(string text)
        : this([]) => _text = text;

    /// <summary>A JSON document, all ASCII.</summary>
    public static SampleData Json => LazyJson.Value;

    /// <summary>A grey picture of 512 by 512, not compressed.</summary>
    public static SampleData Bitmap => LazyBitmap.Value;

    /// <summary>German words in sentences.</summary>
    public static SampleData Prose => LazyProse.Value;

    /// <summary>A page of HTML with 26 characters of two or three octets.</summary>
    public static SampleData Html => LazyHtml.Value;

    /// <summary>Octets that hardly compress, between short readable parts, as in a PDF file.</summary>
    public static SampleData Dense => LazyDense.Value;

    /// <summary>A slice out of the consecutive slices of one size, going round at the end.</summary>
    /// <param name="index">Which slice, from 0.</param>
    /// <param name="size">Characters of text, otherwise octets.</param>
    public Octets SliceAt(int index, int size)
    {
        int length = _text?.Length ?? _octets.Length;
        int start = (int)((long)index * size % length);
        int first = Math.Min(size, length - start);
        return _text is null
            ? Octets.Of([.. _octets.AsSpan(start, first), .. _octets.AsSpan(0, size - first)])
            : Octets.OfText(string.Concat(_text.AsSpan(start, first), _text.AsSpan(0, size - first)));
    }

    private static string MakeJson(int length) => Fill(length, 1, "[", (random, i) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"id":{{i}},"name":"sensor-{{random.Next(400)}}","on":{{(random.Next(3) > 0 ? "true" : "false")}},"value":{{random.NextDouble():F6}}},"""));

    private static byte[] MakeProse(int length)
    {
        string[] words = ["der", "Wind", "geht", "über", "das", "weite", "Land", "und", "ein", "alter", "Mann", "hört",
            "die", "Glocke", "am", "Morgen", "leise", "wieder", "von", "fern", "schöne", "Straße", "im", "Regen", "singt"];
        string text = Fill(length, 2, "", (random, i) => words[random.Next(words.Length)] + (i % 11 == 10 ? ". " : " "));
        return Encoding.UTF8.GetBytes(text)[..length];
    }

    private static string MakeHtml(int length)
    {
        const string Special = "äöüßéèñçøåÄÖÜ€–—…“”„‚‘’•™→";
        int seen = 0;
        return Fill(length, 3, "<!DOCTYPE html>\n<html><body>\n", (random, i) =>
        {
            string mark = i % 20 == 0 && seen < Special.Length ? Special[seen++].ToString() : "";
            return $"<tr class=\"row{i % 2}\"><td><a href=\"/item/{random.Next(100_000)}\">item {random.Next(1000)}{mark}</a></td></tr>\n";
        });
    }

    private static byte[] MakeBitmap(int length)
    {
        const int Header = 1078;   // 14 for the file, 40 for the picture, 256 greys of 4.
        const int Width = 512;
        var octets = new byte[length];
        "BM"u8.CopyTo(octets);
        BinaryPrimitives.WriteInt32LittleEndian(octets.AsSpan(2), length);
        for (int grey = 0; grey < 256; grey++) octets.AsSpan(54 + (grey * 4), 3).Fill((byte)grey);

        var random = new Random(4);
        for (int i = Header; i < length; i++)
        {
            (int y, int x) = Math.DivRem(i - Header, Width);
            octets[i] = (byte)(128 + (60 * Math.Sin(x / 40.0)) + (60 * Math.Cos(y / 25.0)) + random.Next(4));
        }

        return octets;
    }

    private static byte[] MakeDense(int length)
    {
        var octets = new byte[length];
        var random = new Random(5);
        random.NextBytes(octets);
        for (int i = 0; i < length - 64; i += 16 * 1024)
            "\nendstream\nendobj\n7 0 obj\n<< /Length 16384 >>\nstream\n"u8.CopyTo(octets.AsSpan(i));
        return octets;
    }

    private static string Fill(int length, int seed, string start, Func<Random, int, string> next)
    {
        var random = new Random(seed);
        var text = new StringBuilder(start, length + 256);
        for (int i = 0; text.Length < length; i++) text.Append(next(random, i));
        return text.ToString(0, length);
    }
}
