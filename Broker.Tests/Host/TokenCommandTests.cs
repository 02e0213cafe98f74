using Broker.Host.Commands;
using Broker.Host;

namespace Broker.Tests.Host;

/// <summary>The commands that write and check tokens.</summary>
public sealed class TokenCommandTests : IDisposable
{
    private readonly string _config = Path.GetTempFileName();
    private readonly StringWriter _output = new(), _error = new();

    public TokenCommandTests() => File.WriteAllText(_config, """broker.tokens.hmac-secret = "a secret of thirty-two characters" """);

    public void Dispose() => File.Delete(_config);

    [Fact]
    public async Task A_written_token_is_accepted_and_its_claims_are_printed()
    {
        Assert.Equal(0, await RunAsync("gentoken", "-u", "42", "-t", "1h", "-c", _config));
        string token = _output.ToString().TrimEnd();
        Assert.StartsWith("user 42, valid until ", _error.ToString(), StringComparison.Ordinal);

        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync("checktoken", token, "-c", _config));
        Assert.Contains("\"user\": \"42\"", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("checksubtoken", token, "-c", _config));
        Assert.Contains("it has no channel, so it is no subscription token", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_written_subscription_token_names_its_channel()
    {
        Assert.Equal(0, await RunAsync("gensubtoken", "-u", "42", "-s", "news", "-t", "-1", "-q", "-c", _config));
        Assert.Equal("", _error.ToString());
        string token = _output.ToString().TrimEnd();
        Assert.Equal(0, await RunAsync("checksubtoken", token, "-c", _config));
        Assert.Contains("\"channel\": \"news\"", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("checktoken", token, "-c", _config));
    }

    [Fact]
    public async Task A_forged_token_is_refused_with_the_reason()
    {
        Assert.Equal(1, await RunAsync("checktoken", "eyJhbGciOiJub25lIn0.e30.", "-c", _config));
        Assert.Equal("broker: the token is refused: its algorithm is none, so it is not signed.", _error.ToString().TrimEnd());
    }

    [Fact]
    public async Task No_token_is_written_without_a_secret()
    {
        Assert.Equal(2, await RunAsync("gentoken", "-u", "42"));
        Assert.Contains("set broker.tokens.hmac-secret", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0"), InlineData("soon"), InlineData("-2"), InlineData("1y")]
    public async Task A_life_that_makes_no_sense_is_refused(string life)
    {
        Assert.Equal(2, await RunAsync("gentoken", $"-t={life}", "-c", _config));
        Assert.Equal("", _output.ToString());
    }

    private Task<int> RunAsync(params string[] arguments) =>
        new BrokerCommand((_, _, _, _) => throw new NotSupportedException(), new System.Collections.Hashtable(), _output, _error)
            .RunAsync(arguments);
}
