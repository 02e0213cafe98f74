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
    [InlineData("a = [ [ 1 ] ]", 1, "a list inside the list")]
    [InlineData("\na = /data//x", 2, "the value of a is cut off by a comment at '//'")]
    [InlineData("\na = pa#ss", 2, "the value of a is cut off by a comment at '#'")]
    [InlineData("\na = [x, y#z]", 2, "the value of a is cut off by a comment at '#'")]
    [InlineData("\na = 8000# the port", 2, "or a space before the comment")]
    [InlineData("a = #x\nb = 1", 1, "a has no value")]
    [InlineData("a = //x\nb = 1", 1, "a has no value")]
    public void What_is_malformed_is_named_with_its_line(string text, int line, string what)
    {
        var bad = Assert.Throws<SettingException>(() => SettingLines.Scan("t.conf", text));

        Assert.StartsWith($"t.conf line {line}: ", bad.Message, StringComparison.Ordinal);
        Assert.Contains(what, bad.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[", "]", "a list inside the list")]
    [InlineData("{ a = ", " }", "deeper than 32 levels")]
    [InlineData("b.", "", "deeper than 32 levels")]
    public void Twenty_thousand_levels_are_refused_and_overflow_no_stack(string open, string close, string what)
    {
        string text =
            $"a {(open == "[" ? "= " : "")}{string.Concat(Enumerable.Repeat(open, 20_000))} = "
                + $"1{string.Concat(Enumerable.Repeat(close, 20_000))}";
        if (open == "b.") text = text.Replace("a b.", "a.b.", StringComparison.Ordinal).Replace(". = 1", " = 1", StringComparison.Ordinal);

        var bad = Assert.Throws<SettingException>(() => SettingsLayer.Parse("t.conf", text));

        Assert.StartsWith("t.conf line 1: ", bad.Message, StringComparison.Ordinal);
        Assert.Contains(what, bad.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_of_a_megabyte_is_refused_before_it_is_compared_with_names()
    {
        var bad = Assert.Throws<SettingException>(() => SettingsLayer.Parse("t.conf", new string('k', 1_000_000) + " = 1"));

        Assert.Equal("t.conf line 1: a key is longer than 512 characters.", bad.Message);
    }

    [Theory, InlineData("\n"), InlineData("\r\n"), InlineData("\r")]
    public void Every_kind_of_line_end_ends_a_comment_and_a_line(string end)
    {
        SettingsLayer layer =
            SettingsLayer.Parse("t.conf", string.Join(end, "# mine", "broker.reactors = 2 # two", "broker.echo.path = /x", ""));

        Assert.Equal("2", layer.Find("broker.reactors")!.Text);
        Assert.Equal("t.conf line 3", layer.Find("broker.echo.path")!.Origin.ToString());
    }

    [Theory]
    [InlineData("a = \"pa#ss\"", "pa#ss")]
    [InlineData("a = \"/data//x\"", "/data//x")]
    [InlineData("a = \"q\\\"q\"", "q\"q")]
    [InlineData("a = x # told", "x")]
    [InlineData("a = x // told", "x")]
    [InlineData("a = 5 s", "5 s")]
    public void A_value_is_what_its_writer_sees(string text, string value) =>
        Assert.Equal(value, SettingsLayer.Parse("t.conf", text).Find("a")!.Text);

    [Fact]
    public async Task A_file_that_is_no_UTF8_or_never_ends_is_refused()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, [.. "broker.tls.password = p"u8, 0xe4, .. "ss\n"u8]);
            Assert.Equal(
                $"{file}: byte 23 is not UTF-8; save the file as UTF-8.",
                    Assert.Throws<SettingException>(() => SettingsLayer.ReadFile(file)).Message);
            Assert.Equal(
                "/dev/zero: the file is longer than 1MiB.",
                    Assert.Throws<SettingException>(() => SettingsLayer.ReadFile("/dev/zero")).Message);
        }
        finally
        {
            File.Delete(file);
        }
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
