using System.Globalization;
using System.Text.RegularExpressions;
using Broker.Tests.Support;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>docs/ERRORS.md: what each row says is answered, and which test it names.</summary>
internal static partial class ErrorPage
{
    /// <summary>The rows by their first column.</summary>
    public static Dictionary<string, (int Answer, int? Error, string Proof)> Rows { get; } = Read();

    /// <summary>The first number of a row's answer; -1 without such a row.</summary>
    public static int Answer(string row) => Rows.TryGetValue(row, out (int Answer, int? Error, string Proof) found) ? found.Answer : -1;

    private static Dictionary<string, (int Answer, int? Error, string Proof)> Read() =>
        File.ReadLines(Path.Combine(ProjectFolder.Path, "..", "docs", "ERRORS.md"))
            .Select(line => Row().Match(line))
            .Where(match => match.Success)
            .ToDictionary(
            match => match.Groups[1].Value, match =>
                (Number(match.Groups[2]), match.Groups[3].Success ? Number(match.Groups[3]) : (int?)null, match.Groups[4].Value));

    private static int Number(Group digits) => int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);

    // | what | 1002 and words | `Test` |, and in the words perhaps the number of an error.
    [GeneratedRegex(@"^\| (.+?) \| (\d+)(?:, error (\d+)|[^|]*) \| `([\w.]+)` \|$")]
    private static partial Regex Row();
}
