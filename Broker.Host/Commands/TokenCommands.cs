using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Broker.Identity.Settings;
using Broker.Identity.Tokens;
using Broker.Configuration;
using Broker.Host.Settings;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Host.Commands;

/// <summary>
/// Commands that write and check tokens by the settings of a hub: <c>gentoken</c>, <c>gensubtoken</c>, <c>checktoken</c>,
/// <c>checksubtoken</c>.
/// </summary>
/// <param name="config">The option with the file of settings.</param>
/// <param name="load">Loads the settings that a command line names.</param>
/// <param name="time">The clock.</param>
/// <param name="output">Standard output: the token, or its claims, and nothing else.</param>
/// <param name="error">Standard error.</param>
public sealed class TokenCommands(
    Option<string?> config, Func<ParseResult, LoadedSettings> load, TimeProvider time, TextWriter output, TextWriter error)
{
    private static readonly TimeSpan DefaultLife = TimeSpan.FromDays(7);

    private readonly Option<string> _user =
        new("--user", "-u")
            { HelpName = "USER", Description = "The user; without it the token is an anonymous client's.",
                DefaultValueFactory = static _ => "" };
    private readonly Option<string?> _life =
        new("--ttl", "-t")
            { HelpName = "TTL", Description = "How long it is valid: seconds, or such as 90s, 15m, 1h, 7d; -1 for ever. 7d unless given." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Says nothing on standard error." };
    private readonly Option<string> _channel =
        new("--channel", "-s") { HelpName = "CHANNEL", Required = true, Description = "The channel." };
    private readonly Argument<string> _token = new("TOKEN") { Description = "The token, or - to read it from standard input." };

    /// <summary>Adds the commands.</summary>
    public void AddTo(RootCommand root)
    {
        ArgumentNullException.ThrowIfNull(root);
        root.Add(Make(
            "gentoken", "Writes a connection token, signed with HS256 and the hub's broker.tokens.hmac-secret.", [_user, _life, _quiet],
                WriteConnection));
        root.Add(Make(
            "gensubtoken", "Writes a subscription token for one channel, signed with HS256 and the hub's secret.",
                [_user, _channel, _life, _quiet], WriteSubscription));
        Command checkConnection =
            Make("checktoken", "Verifies a connection token as the hub would, and prints its claims.", [],
                parsed => Check(parsed, isSubscription: false));
        Command checkSubscription =
            Make("checksubtoken", "Verifies a subscription token as the hub would, and prints its claims.", [],
                parsed => Check(parsed, isSubscription: true));
        checkConnection.Add(_token);
        checkSubscription.Add(_token);
        root.Add(checkConnection);
        root.Add(checkSubscription);
    }

    private Command Make(string name, string description, IEnumerable<Option> options, Func<ParseResult, int> run)
    {
        var command = new Command(name, description) { config };
        foreach (Option option in options) command.Add(option);
        command.SetAction(parsed =>
        {
            try
            {
                return run(parsed);
            }
            catch (SettingException bad)
            {
                foreach (string problem in bad.Problems) error.WriteLine($"broker: {problem}");
                return BrokerCommand.Unusable;
            }
        });
        return command;
    }

    private int WriteConnection(ParseResult parsed) => Write(
        parsed,
        "broker.tokens",
        static settings => settings.Tokens,
        (secret, user, now, end) => TokenWriter.WriteConnection(secret, user, now, end));

    private int WriteSubscription(ParseResult parsed) => Write(
        parsed,
        "broker.subscription-tokens",
        static settings => settings.SubscriptionTokens ?? settings.Tokens,
        (secret, user, now, end) => TokenWriter.WriteSubscription(secret, user, parsed.GetValue(_channel)!, now, end));

    private int Write(
        ParseResult parsed, string root, Func<IdentitySettings, TokenSettings> choose, Func<string, string, DateTimeOffset,
            DateTimeOffset?, string> write)
    {
        TokenSettings settings = choose(load(parsed).Settings.Identity);
        if (settings.HmacSecret.Length == 0)
        {
            error.WriteLine(
                $"broker: {(settings.IsEnabled ? $"{root} has public keys alone, which sign nothing" : "no key is set")}; set "
                    + $"{root}.hmac-secret.");
            return BrokerCommand.Unusable;
        }

        if (settings.Rules is { Issuer.Length: > 0 } or { Audience.Length: > 0 } || settings.Rules.UserIdClaim != "sub")
        {
            error.WriteLine(
                $"broker: the hub asks for an issuer, an audience or another claim for the user ({root}.issuer, .audience, "
                    + $".user-id-claim), which this command does not write.");
            return BrokerCommand.Unusable;
        }

        if (!TryReadLife(parsed.GetValue(_life), out TimeSpan? life))
        {
            error.WriteLine("broker: --ttl is a number of seconds above 0, a duration such as 90s, 15m, 1h or 7d, or -1.");
            return BrokerCommand.Unusable;
        }

        string user = parsed.GetValue(_user)!;
        DateTimeOffset now = time.GetUtcNow();
        output.WriteLine(write(settings.HmacSecret, user, now, now + life));
        if (!parsed.GetValue(_quiet))
        {
            string ends =
                life is { } length ? $"until {(now + length).ToString("yyyy-MM-dd'T'HH:mm:ssK", CultureInfo.InvariantCulture)}"
                    : "for ever";
            error.WriteLine($"{(user.Length == 0 ? "an anonymous client" : $"user {user}")}, valid {ends}");
        }

        return 0;
    }

    private int Check(ParseResult parsed, bool isSubscription)
    {
        IdentitySettings settings = load(parsed).Settings.Identity;
        using TokenVerifiers verifiers = TokenVerifiers.Create(settings, time, NullLogger.Instance);
        TokenVerifier? verifier = isSubscription ? verifiers.Subscriptions : verifiers.Connections;
        if (verifier is null)
        {
            error.WriteLine("broker: no key is set; set one of broker.tokens.");
            return BrokerCommand.Unusable;
        }

        string token = parsed.GetValue(_token)!;
        if (token == "-") token = ReadToken(settings);
        TokenResult result = verifier.VerifyAsync(token.Trim()).AsTask().GetAwaiter().GetResult();
        string? misuse = result.Claims is not { } claims ? null
            : isSubscription && claims.Channel is null ? "it has no channel, so it is no subscription token"
            : !isSubscription && claims.Channel is not null ? "it has a channel, so it is a subscription token"
            : null;
        if (result.Status == TokenStatus.Valid && misuse is null)
        {
            output.WriteLine(ClaimsText.Of(result.Claims!));
            return 0;
        }

        error.WriteLine($"broker: the token is refused: {misuse ?? result.Reason}.");
        return 1;
    }

    private static string ReadToken(IdentitySettings settings)
    {
        char[] text = new char[Math.Max(settings.Tokens.Rules.BytesMax, settings.SubscriptionTokens?.Rules.BytesMax ?? 0) + 3];
        return new string(text, 0, Console.In.ReadBlock(text));
    }

    private static bool TryReadLife(string? text, out TimeSpan? life)
    {
        life = DefaultLife;
        if (text is null) return true;
        if (text == "-1")
        {
            life = null;
            return true;
        }

        TimeSpan read = TimeSpan.Zero;
        bool isGood = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds)
            ? (read = TimeSpan.FromSeconds(seconds)) > TimeSpan.Zero
            : SettingUnits.TryReadDuration(text, out read) && read > TimeSpan.Zero && read < TimeSpan.FromDays(365_000);
        life = read;
        return isGood;
    }
}
