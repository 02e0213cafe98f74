using Broker.Configuration;

namespace Broker.Tests.Configuration;

public class VisibleTextTests
{
    [Theory]
    [InlineData("plain, gr\u00fc\u00df and \U0001F600", "plain, gr\u00fc\u00df and \U0001F600")]
    [InlineData("a\nb\rc", "a\\u000ab\\u000dc")]
    [InlineData("\u001b[2J\u009b31m", "\\u001b[2J\\u009b31m")]
    [InlineData("a\u2028b\u2029c\u0085d", "a\\u2028b\\u2029c\\u0085d")]
    [InlineData("\u202egpj.exe\u2066", "\\u202egpj.exe\\u2066")]
    [InlineData("\0\t\u007f", "\\u0000\\u0009\\u007f")]
    public void Line_ends_and_terminal_controls_are_escaped(string sent, string shown) => Assert.Equal(shown, VisibleText.Of(sent));

    [Fact]
    public void Half_of_a_surrogate_pair_is_written_out() => Assert.Equal("a\\ud83db\\udc00", VisibleText.Of("a\ud83db\udc00"));
}
