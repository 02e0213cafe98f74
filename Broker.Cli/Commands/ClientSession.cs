using System.Collections;
using System.CommandLine;
using System.Text;
using Broker.Cli.Terminal;
using Broker.Client;
using Broker.Core.Protocol.Messages;

namespace Broker.Cli.Commands;

/// <summary>The options that say where the hub is, and one command's time with it: connected, and every failure told in one line.</summary>
internal sealed class ClientSession(Streams streams)
{
    private const string UrlDefault = "ws://127.0.0.1:8000/ws";

    // RFC 6455 section 7.4: what is below is no close code, and so the status of HTTP that stood in a Close frame's place.
    private const int CloseCodesBegin = 1000;

    private readonly Option<Uri> _url = new("--url")
    {
        HelpName = "URL",
        Description = $"Where the hub speaks the native protocol, ws or wss; or {ClientVariables.Url}. [default: {UrlDefault}]",
        CustomParser = argument => ParseUrl(argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "", argument.AddError),
    };

    private readonly Option<string?> _token = new("--token")
    {
        HelpName = "TOKEN",
        Description = $"What shows who you are. Better given as {ClientVariables.Token}, which other users do not see.",
    };

    private readonly Option<double> _timeout = TypedOptions.Seconds(
        "--timeout", "SECONDS", 30, "over 0 and at most 86400", static seconds => seconds is > 0 and <= 86_400,
        "How long to wait for the hub: to connect, and for each answer.");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_url);
        command.Add(_token);
        command.Add(_timeout);
    }

    /// <summary>Whatever a call may take.</summary>
    public CallSettings CallSettings(ParseResult parsed) => new() { Deadline = TimeSpan.FromSeconds(parsed.GetValue(_timeout)) };

    /// <summary>Connects, runs, and closes.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="run">What to do; its token is cancelled by SIGINT and SIGTERM.</param>
    /// <param name="environment">For what the command line leaves out.</param>
    /// <param name="outputClosed">Stops it because nothing reads its output any more.</param>
    /// <param name="stop">Stops it, too.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync(
        ParseResult parsed,
        IDictionary environment,
        Func<BrokerClient, CancellationToken, Task<int>> run,
        CancellationToken outputClosed,
        CancellationToken stop)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stop, outputClosed);
        using var signals = new CommandSignals(cancel.Cancel);
        Uri? url = null;
        try
        {
            BrokerClientOptions options = OptionsOf(parsed, environment);
            url = options.Url;
            await using BrokerClient client = await BrokerClient.ConnectAsync(options, cancel.Token).ConfigureAwait(false);
            return await run(client, cancel.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return outputClosed.IsCancellationRequested ? ExitCode.OutputClosed : ExitCode.Interrupted;
        }
        catch (OutputClosedException)
        {
            return ExitCode.OutputClosed;
        }
        catch (ConnectionLostException lost)
        {
            return Report(
                ExitCode.Unreachable, lost.CloseInfo.Code < CloseCodesBegin ? TextOfRefusal(url!, lost.CloseInfo.Code) : lost.Message);
        }
        catch (CallFailedException failed) when (failed.Code == FaultCode.Deadline)
        {
            return Report(ExitCode.Failed, $"{failed.Message} (--timeout)");
        }
        catch (Exception failure) when (failure is BrokerException or UsageException or IOException or UnauthorizedAccessException)
        {
            return Report(failure is UsageException ? ExitCode.Unusable : ExitCode.Failed, failure.Message);
        }
    }

    private static string TextOfRefusal(Uri url, int status)
    {
        string answer = $"{url}: the server answered the WebSocket handshake with HTTP {status}.";
        return status == 404 ? $"{answer} Nothing is there at this path: a hub speaks the native protocol at /ws." : answer;
    }

    private static Uri? ParseUrl(string text, Action<string> refuse)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "ws" or "wss") return url;
        refuse($"{text} is no URL of a WebSocket, such as ws://127.0.0.1:8000/ws.");
        return null;
    }

    private BrokerClientOptions OptionsOf(ParseResult parsed, IDictionary environment)
    {
        Uri url = parsed.GetValue(_url)
            ?? ParseUrl(environment[ClientVariables.Url] as string ?? UrlDefault,
            message => throw new UsageException($"{ClientVariables.Url}: {message}"))!;
        return new BrokerClientOptions
        {
            Url = url,
            Token = Encoding.UTF8.GetBytes(parsed.GetValue(_token) ?? environment[ClientVariables.Token] as string ?? ""),
            Name = "broker-cli",
            ConnectLimit = TimeSpan.FromSeconds(parsed.GetValue(_timeout)),
        };
    }

    private int Report(int code, string message)
    {
        streams.Report(message);
        return code;
    }
}

/// <summary>The command line is well formed, and yet makes no sense.</summary>
internal sealed class UsageException(string message) : Exception(message);
