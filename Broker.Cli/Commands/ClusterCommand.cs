using System.Collections;
using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Broker.Cli.Terminal;

namespace Broker.Cli.Commands;

/// <summary><c>broker cluster</c>: shows the nodes of a cluster and takes nodes out of it, through the server API of any node.</summary>
public sealed class ClusterCommand
{
    private const string UrlDefault = "http://127.0.0.1:8000";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly IDictionary _environment;
    private readonly Streams _streams;

    private readonly Option<string?> _url = new("--api-url")
    {
        HelpName = "URL",
        Description = $"The node to ask, such as {UrlDefault}, which is the default; or {ClientVariables.ApiUrl}.",
    };

    private readonly Option<string?> _key = new("--api-key")
    {
        HelpName = "KEY",
        Description = $"A key of broker.api.keys; or {ClientVariables.ApiKey}, so that it stands in no list of processes.",
    };

    private ClusterCommand(IDictionary environment, Streams streams)
    {
        _environment = environment;
        _streams = streams;
    }

    /// <summary>Adds the command.</summary>
    /// <param name="root">Receives it.</param>
    /// <param name="environment">The variables of the process.</param>
    /// <param name="streams">What it reads and writes.</param>
    public static void AddTo(Command root, IDictionary environment, Streams streams)
    {
        ArgumentNullException.ThrowIfNull(root);
        var commands = new ClusterCommand(environment, streams);
        var status =
            new Command("status",
                "Prints the nodes of the cluster as the asked one sees them: address, state, reached or not, uid, partitions, lanes.");
        commands.Define(status, static _ => ("cluster_status", null), commands.PrintStatusAsync);
        var optional =
            new Argument<string?>("NODE")
                { Arity = ArgumentArity.ZeroOrOne,
                    Description = "HOST:PORT of a member, as status prints it; the asked one unless given." };
        var leave = new Command("leave", "Has a node leave the cluster in order; its process then ends.") { optional };
        commands.Define(leave, parsed => ("cluster_leave", parsed.GetValue(optional)), commands.PrintDoneAsync);
        var required = new Argument<string>("NODE") { Description = "HOST:PORT of a member, as status prints it." };
        var down = new Command("down", "Removes a node that does not answer any more, at once. One that does live joins again.")
            { required };
        commands.Define(down, parsed => ("cluster_down", parsed.GetValue(required)), commands.PrintDoneAsync);
        root.Add(new Command("cluster", "Shows the nodes of a cluster, and takes nodes out of it.") { status, leave, down });
    }

    private void Define(
        Command command, Func<ParseResult, (string Method, string? Node)> request, Func<JsonElement, CancellationToken, Task> print)
    {
        command.Add(_url);
        command.Add(_key);
        command.SetAction(async (parsed, stop) =>
        {
            (string method, string? node) = request(parsed);
            return await RunAsync(
                parsed.GetValue(_url) ?? Variable(ClientVariables.ApiUrl) ?? UrlDefault, parsed.GetValue(_key)
                    ?? Variable(ClientVariables.ApiKey), method, node, print, stop).ConfigureAwait(false);
        });
    }

    private string? Variable(string name) => _environment[name] is string { Length: > 0 } value ? value : null;

    private async Task<int> RunAsync(
        string url, string? key, string method, string? node, Func<JsonElement, CancellationToken, Task> print, CancellationToken stop)
    {
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out Uri? root) || root.Scheme is not ("http" or "https"))
        {
            _streams.Report($"{url} is no URL of HTTP.");
            return ExitCode.Unusable;
        }

        if (key is null)
        {
            _streams.Report($"a key of the server API is needed: --api-key, or {ClientVariables.ApiKey}.");
            return ExitCode.Unusable;
        }

        using var http = new HttpClient { Timeout = s_limit };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(root, $"api/{method}"));
        request.Headers.TryAddWithoutValidation("X-API-Key", key);
        request.Content = JsonContent.Create(node is null ? [] : new Dictionary<string, string> { ["node"] = node });
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, stop).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                _streams.Report(
                    response.StatusCode == System.Net.HttpStatusCode.Unauthorized ? "the node does not take this key."
                        : $"the node answered {(int)response.StatusCode}.");
                return ExitCode.Failed;
            }

            using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(stop).ConfigureAwait(false));
            if (answer.RootElement.TryGetProperty("error", out JsonElement error))
            {
                _streams.Report($"{error.GetProperty("message").GetString()}.");
                return ExitCode.Failed;
            }

            await print(answer.RootElement.GetProperty("result"), stop).ConfigureAwait(false);
            return ExitCode.Done;
        }
        catch (Exception failure) when (
            failure is HttpRequestException or JsonException or KeyNotFoundException
                || (failure is OperationCanceledException && !stop.IsCancellationRequested))
        {
            _streams.Report($"{root} cannot be asked: {failure.Message}");
            return ExitCode.Unreachable;
        }
    }

    private async Task PrintStatusAsync(JsonElement result, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"cluster {result.GetProperty("cluster").GetString()}, asked {result.GetProperty("node").GetString()}: "
                + $"{result.GetProperty("phase").GetString()}");
        if (result.TryGetProperty("waits", out JsonElement waits)) text.Append(CultureInfo.InvariantCulture, $" ({waits.GetString()})");
        foreach (JsonElement node in result.GetProperty("nodes").EnumerateArray())
        {
            string reached = node.GetProperty("reachable").GetBoolean() ? "reached" : "not-reached";
            text.Append(CultureInfo.InvariantCulture,
                $"\n{node.GetProperty("address").GetString()}\t{node.GetProperty("state").GetString()}\t{reached}\t"
                + $"{node.GetProperty("uid").GetString()}\t{Number(node, "partitions")} partitions");
            if (node.TryGetProperty("lanes", out JsonElement lanes)) text.Append(CultureInfo.InvariantCulture, $"\t{lanes} lanes");
            if (node.TryGetProperty("draining", out JsonElement draining) && draining.GetBoolean()) text.Append("\tdraining");
        }

        await _streams.PrintAsync(text.ToString(), cancellationToken).ConfigureAwait(false);
    }

    // A node of an older version does not tell it.
    private static int Number(JsonElement node, string name) => node.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : 0;

    private Task PrintDoneAsync(JsonElement result, CancellationToken cancellationToken) => _streams.PrintAsync("asked", cancellationToken);
}
