using Broker.Actors.Settings;
using Broker.Configuration;

namespace Broker.Tests.Configuration;

public class SettingLinesTests
{
    [Fact]
    public void A_key_has_its_line_through_braces_dots_quotes_and_comments()
    {
        IReadOnlyDictionary<string, int> lines = SettingLines.Scan("t.conf", """"
            # a { b = 1 }
            broker {
              listen.port = 1 // listen.host = 2
              "listen" { host: "a } # {", path = /x }
              many = [
                "x", # ]
                y
              ]
              long = """a
              { b""", after = 1
            }
            broker.late = 5 s
            spread =
              { inner = 1 }
            """");

        Assert.Equal(
            new Dictionary<string, int>
            {
                ["broker.listen.port"] = 3,
                ["broker.listen.host"] = 4,
                ["broker.listen.path"] = 4,
                ["broker.many"] = 5,
                ["broker.long"] = 9,
                ["broker.after"] = 10,
                ["broker.late"] = 12,
                ["spread.inner"] = 14,
            },
            lines);
    }

    [Fact]
    public void The_last_of_two_equal_keys_counts() =>
        Assert.Equal(3, SettingLines.Scan("t", "a = 1\nb = 2\na = 3")["a"]);

    [Fact]
    public void A_whole_file_may_stand_in_braces() =>
        Assert.Equal(2, SettingLines.Scan("t", "{\n a = 1\r\n}\n")["a"]);

    [Theory]
    [InlineData("a = 1\nb {\n c = 1\n", 2, "the '{' here is never closed")]
    [InlineData("a = 1\n}\n", 2, "closes nothing")]
    [InlineData("a = 1\nb\nc = 2", 2, "expected '=' or '{' after b")]
    [InlineData("a = 1\nb =\n\nc = 2", 2, "b has no value")]
    [InlineData("a { b = }", 1, "a.b has no value")]
    [InlineData("\na = \"x\nb = 2", 2, "a string is never closed")]
    [InlineData("\na = [1,\n2\n", 2, "the '[' of a is never closed")]
    [InlineData("\na = http://x", 2, "put it in double quotes")]
    [InlineData("\na = /x?y", 2, "put it in double quotes")]
    [InlineData("\na = ${b}", 2, "substitution")]
    [InlineData("\na += 1", 2, "'+=' is not supported")]
    [InlineData("include \"other.conf\"", 1, "expected '=' or '{'")]
    [InlineData("\n= 5", 2, "expected a key")]
    [InlineData("{ a = 1 }\nb = 2", 2, "nothing may follow")]
    [InlineData("a = [ { b = 1 } ]", 1, "an object inside the list")]
    public void What_is_malformed_is_named_with_its_line(string text, int line, string what)
    {
        var bad = Assert.Throws<SettingException>(() => SettingLines.Scan("t.conf", text));

        Assert.StartsWith($"t.conf line {line}: ", bad.Message, StringComparison.Ordinal);
        Assert.Contains(what, bad.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_prefix_of_the_reference_is_scanned_or_refused_and_never_hangs()
    {
        string whole = ReadReference();
        for (int cut = 0; cut < whole.Length; cut += 7)
        {
            Exception? met = Record.Exception(() => SettingLines.Scan("t", whole[..cut]));

            Assert.True(met is null or SettingException);
        }
    }

    private static string ReadReference()
    {
        using var text = new StreamReader(
            typeof(HubReference).Assembly.GetManifestResourceStream("Broker.Actors.reference.conf")!);
        return text.ReadToEnd();
    }
}
