using Broker.Tests.Support;

namespace Broker.Tests.Architecture;

/// <summary>No line of code is longer than .editorconfig says. The text of raw strings is as long as it is.</summary>
public sealed class TextRulesTests
{
    private const int ColumnsMax = 140;
    private const string RawQuotes = "\"\"\"";

    [Fact]
    public void No_line_has_more_than_140_columns()
    {
        string root = Path.GetDirectoryName(ProjectFolder.Path)!;
        IEnumerable<string> tooLong =
            from path in SourceMap.PathsUnder(root)
            from number in LongLines(File.ReadLines(Path.Combine(root, path)))
            select $"{path}({number})";
        Assert.Equal("", string.Join('\n', tooLong));
    }

    [Fact]
    public void Finds_a_long_line_and_skips_raw_strings()
    {
        string fits = new('x', ColumnsMax), tooLong = fits + "x";
        Assert.Equal(
            [2, 7], LongLines([fits, tooLong, $"a = {RawQuotes}", tooLong, $"{RawQuotes};", $"{RawQuotes}{tooLong}{RawQuotes}", tooLong]));
    }

    private static IEnumerable<int> LongLines(IEnumerable<string> lines)
    {
        int number = 0;
        bool isRaw = false;
        foreach (string line in lines)
        {
            number++;
            int quotes = line.Split(RawQuotes).Length - 1;
            if (line.Length > ColumnsMax && !isRaw && quotes == 0) yield return number;
            if (quotes % 2 == 1) isRaw = !isRaw;
        }
    }
}
