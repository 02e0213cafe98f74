using System.Text;
using System.Text.Unicode;
using BenchmarkDotNet.Attributes;
using Broker.Core.Framing;

namespace Broker.Bench.Micro;

/// <summary>What does it cost to judge a text, whole and in pieces that cut its characters?</summary>
/// <remarks><c>System.Net.WebSockets</c> does this byte by byte and only inside: <see cref="ReceiveBench"/> has it, with text.</remarks>
public class Utf8Bench
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private byte[] _text = [];

    [Params("ascii", "cyrillic", "kanji")]
    public string Script { get; set; } = "";

    [Params(125, 16384)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        byte[] letter = Script switch { "ascii" => "x"u8.ToArray(), "cyrillic" => "я"u8.ToArray(), _ => "語"u8.ToArray() };
        _text = new byte[Bytes];
        _text.AsSpan().Fill((byte)'x');
        for (int at = 0; at + letter.Length <= Bytes; at += letter.Length) letter.CopyTo(_text, at);
    }

    [Benchmark(Baseline = true)]
    public int Strict_encoding_counts() => s_strict.GetCharCount(_text);

    [Benchmark]
    public bool Whole() => Utf8.IsValid(_text);

    [Benchmark]
    public bool In_four_pieces()
    {
        var progress = default(Utf8Progress);
        ReadOnlySpan<byte> rest = _text;
        for (int left = 4; left > 0; left--)
        {
            int length = rest.Length / left;
            if (!progress.TryAdvance(rest[..length])) return false;
            rest = rest[length..];
        }

        return progress.IsComplete;
    }
}
