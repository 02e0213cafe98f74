using System.Collections;
using System.CommandLine;
using System.Net;
using Broker.Cli.Terminal;

namespace Broker.Cli.Commands;

/// <summary><c>broker health</c>: asks a hub whether it lives, or takes clients; for health checks of containers and scripts.</summary>
/// <param name="environment">The variables of the process.</param>
/// <param name="streams">What it writes.</param>
/// <param name="config">The option with the file of the hub's settings.</param>
/// <param name="targetOf">What those settings say.</param>
public sealed class HealthCommand(IDictionary environment, Streams streams, Option<string?> config, Func<ParseResult, ApiTarget> targetOf)
{
    private readonly Option<string?> _url = new("--api-url")
    {
        HelpName = "URL",
        Description = $"The hub to ask, such as http://127.0.0.1:8000; or {ClientVariables.ApiUrl}. [default: by the hub's settings]",
    };

    private readonly Option<bool> _ready = new("--ready") { Description = "Whether it takes clients (/ready), not only lives (/health)." };

    private readonly Option<double> _timeout = TypedOptions.Seconds(
        "--timeout", "SECONDS", 5, "over 0 and at most 86400", static seconds =>
            seconds is > 0 and <= 86_400, "How long to wait for the answer.");

    /// <summary>Adds it.</summary>
    public void AddTo(Command root)
    {
        ArgumentNullException.ThrowIfNull(root);
        var command =
            new Command(
                "health", "Asks a hub whether it lives: exit code 0 if it does, 1 if it answers that it does not, 4 if there is no answer.")
                { config, _url, _ready, _timeout };
        command.SetAction(RunAsync);
        root.Add(command);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        string url = parsed.GetValue(_url) ?? (environment[ClientVariables.ApiUrl] is string { Length: > 0 } variable ? variable : "");
        if (url.Length == 0)
        {
            ApiTarget target = targetOf(parsed);
            foreach (string problem in target.Problems) streams.Report(problem);
            if (target.Problems.Count > 0) return ExitCode.Unusable;
            url = target.Url;
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? hub) || hub.Scheme is not ("http" or "https"))
        {
            streams.Report($"{url} is not a URL of HTTP.");
            return ExitCode.Unusable;
        }

        var asked = new Uri(hub, parsed.GetValue(_ready) ? "/ready" : "/health");
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(parsed.GetValue(_timeout)) };
        try
        {
            using HttpResponseMessage response = await http.GetAsync(asked, stop).ConfigureAwait(false);
            await streams.PrintAsync(await response.Content.ReadAsStringAsync(stop).ConfigureAwait(false), stop).ConfigureAwait(false);
            return response.StatusCode == HttpStatusCode.OK ? ExitCode.Done : ExitCode.Failed;
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException && !stop.IsCancellationRequested)
        {
            streams.Report($"{asked} cannot be asked: {failure.Message}");
            return ExitCode.Unreachable;
        }
    }
}
