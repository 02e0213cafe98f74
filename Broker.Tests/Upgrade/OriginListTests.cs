using Broker.Core.Upgrade;

namespace Broker.Tests.Upgrade;

public class OriginListTests
{
    [Theory]
    [InlineData("*")]
    [InlineData("null")]
    [InlineData("null", "https://a.example")]
    [InlineData("https://a.example:443", "http://b.example:81", "http://[::1]:8000")]
    [InlineData("https://xn--bcher-kva.example")]
    [InlineData("chrome-extension://abcdefghijklmnop", "capacitor://localhost")]
    public void Accepts_what_browsers_send(params string[] entries)
    {
        Assert.Null(OriginList.Check(entries));
        OriginRule rule = new(entries);
        Assert.True(rule.Allows(entries[0] == "*" ? "https://who.example" : entries[0], "hub.example"));
    }

    [Theory]
    [InlineData("'ws://a.example' names the scheme of the connection, but a browser sends that of the page: http://a.example",
        "ws://a.example")]
    [InlineData("'wss://a.example:1' names the scheme of the connection, but a browser sends that of the page: https://a.example:1",
        "wss://a.example:1")]
    [InlineData("'file://' is the origin of no page: for files a browser sends null, which may be an entry", "file://")]
    [InlineData("'https://user@a.example' names a user, which an origin never does: https://a.example", "https://user@a.example")]
    [InlineData("'https://a.example/' has a path, which an origin never has: https://a.example", "https://a.example/")]
    [InlineData("'https://b\u00fccher.example:1' has letters that a browser sends encoded: https://xn--bcher-kva.example:1",
        "https://b\u00fccher.example:1")]
    [InlineData("* allows everyone and so has to be the only entry", "https://a.example", "*")]
    [InlineData("'a.example' has no scheme; an origin is scheme://host:port, such as https://chat.example.org", "a.example")]
    [InlineData("'https://a.example:99999' is not scheme://host or scheme://host:port, such as https://chat.example.org:8443",
        "https://a.example:99999")]
    public void What_no_browser_sends_is_refused_with_what_to_write(string problem, params string[] entries)
    {
        Assert.Equal(problem, OriginList.Check(entries));
        Assert.Throws<ArgumentException>(() => new OriginRule(entries));
    }
}
