using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The dashboard and the alert rules of docs/grafana ask for what a running hub has.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed partial class DashboardTests : IDisposable
{
    private const string Key = "a long random key";

    // Prometheus's own, of every target that it scrapes.
    private static readonly HashSet<string> s_targetLabels = ["instance", "job"];

    private static readonly HashSet<string> s_words = ["sum", "max", "by", "rate", "increase", "histogram_quantile", "up"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-dashboard-");

    private static string Docs => Path.Combine(ProjectFolder.Path, "..", "docs");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Every_metric_and_label_of_the_dashboard_is_in_a_running_hub()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        string config = Path.Combine(_folder.FullName, "broker.conf");
        await File.WriteAllTextAsync(config, $$"""
            broker {
              api.keys = ["{{Key}}"]
              store.path = "{{Path.Combine(_folder.FullName, "store")}}"
              proxy.rpc = "http://127.0.0.1:1/rpc"
              limits.connection.publishes = 1
              history.position-check-interval = 1s
              namespaces.kept { recovery = on, history { size = 10, ttl = 1m } }
            }
            """, limit.Token);
        await using HostProcess host = await HostProcess.StartAsync(null, "--config", config);
        using var http = new HttpClient { BaseAddress = host.HttpUri };
        using ClientWebSocket staying = await UseAsync(host, http, limit.Token);

        string[] expressions = [.. DashboardExpressions(), .. AlertExpressions()];
        Assert.True(expressions.Length > 30, "The expressions were not found.");
        Query[] queries = [.. expressions.Select(Query.Parse)];
        Dictionary<string, HashSet<string>> metrics;
        do metrics = await ScrapeAsync(http, limit.Token);
        while (!metrics.ContainsKey("broker_position_checks_total"));

        Assert.Empty(queries.SelectMany(static query => query.Metrics).Distinct().Except(metrics.Keys));
        foreach (Query query in queries)
        {
            Assert.NotEmpty(query.Metrics);
            foreach (string metric in query.Metrics)
                Assert.True(query.Labels.Except(s_targetLabels).All(metrics[metric].Contains), $"{metric} has other labels: {query.Text}");
        }

        string documented = File.ReadAllText(Path.Combine(Docs, "OPERATIONS.md")) + File.ReadAllText(Path.Combine(Docs, "PROXY.md"));
        foreach (string value in queries.SelectMany(static query => query.Values).Distinct())
            Assert.Contains($"`{value}`", documented, StringComparison.Ordinal);
    }

    [Fact]
    public void The_parser_of_expressions_finds_metrics_labels_and_values()
    {
        Query query = Query.Parse("""
            histogram_quantile(0.99, sum by (le, method) (rate(a_bucket{instance=~"$instance", outcome=~"x|y"}[5m]))) > 0.5 * sum (b_total)
            """);

        Assert.Equal(["a_bucket", "b_total"], query.Metrics);
        Assert.Equal(["instance", "le", "method", "outcome"], query.Labels.Order());
        Assert.Equal(["x", "y"], query.Values);
    }

    // One of everything that makes a series appear.
    private static async Task<ClientWebSocket> UseAsync(HostProcess host, HttpClient http, CancellationToken stop)
    {
        http.DefaultRequestHeaders.Add("X-API-Key", Key);
        JsonElement[] published = new JsonElement[2];
        for (int i = 0; i < published.Length; i++)
        {
            using HttpResponseMessage answer = await http.PostAsJsonAsync(
                new Uri("api/publish", UriKind.Relative), new { channel = "kept:a", data = i, idempotency_key = $"{i}" }, stop);
            published[i] = JsonElement.Parse(await answer.Content.ReadAsStringAsync(stop)).GetProperty("result");
        }

        using HttpResponseMessage wrong = await http.PostAsync(new Uri("api/publish", UriKind.Relative), new StringContent("{}"), stop);
        using (ClientWebSocket leaving = await ConnectAsync(host, stop))
        {
            await AskAsync(leaving, """{"id":2,"rpc":{"method":"nobody","data":1}}""", stop);

            // In one frame, so that the second and third are over the limit of one a second however slow the machine is.
            await AskAsync(leaving, """
                {"id":3,"publish":{"channel":"kept:b","data":1}}
                {"id":4,"publish":{"channel":"kept:b","data":1}}
                {"id":5,"publish":{"channel":"kept:b","data":1}}
                """, stop);
            await AskAsync(leaving, """{"id":6,"history":{"channel":"nowhere:x"}}""", stop);
            await leaving.CloseAsync(WebSocketCloseStatus.NormalClosure, "", stop);
        }

        ClientWebSocket staying = await ConnectAsync(host, stop);
        string epoch = published[0].GetProperty("epoch").GetString()!;
        string recovering = $"{{\"id\":2,\"subscribe\":{{\"channel\":\"kept:a\",\"recover\":true,\"epoch\":\"{epoch}\",\"offset\":1}}}}";
        Assert.Contains("\"recovered\":true", await AskAsync(staying, recovering, stop), StringComparison.Ordinal);
        return staying;
    }

    private static async Task<ClientWebSocket> ConnectAsync(HostProcess host, CancellationToken stop)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.WebSocketUri, stop);
        await AskAsync(socket, """{"id":1,"connect":{}}""", stop);
        return socket;
    }

    private static async Task<string> AskAsync(ClientWebSocket socket, string command, CancellationToken stop)
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes(command), WebSocketMessageType.Text, endOfMessage: true, stop);
        byte[] buffer = new byte[16 * 1024];
        string last = command[(command.LastIndexOf('\n') + 1)..], id = last[..last.IndexOf(',', StringComparison.Ordinal)];
        while (true)
        {
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, stop);
            Assert.True(received.EndOfMessage);
            string text = Encoding.UTF8.GetString(buffer, 0, received.Count);
            if (text.Split('\n').FirstOrDefault(line => line.StartsWith(id, StringComparison.Ordinal)) is { } answer) return answer;
        }
    }

    private static IEnumerable<string> DashboardExpressions()
    {
        using JsonDocument dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Docs, "grafana", "broker.json")));
        foreach (JsonElement panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            if (!panel.TryGetProperty("targets", out JsonElement targets)) continue;
            foreach (JsonElement target in targets.EnumerateArray()) yield return target.GetProperty("expr").GetString()!;
        }
    }

    // After "expr:", on the same line or folded over the next ones.
    private static IEnumerable<string> AlertExpressions()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Docs, "grafana", "alerts.yml"));
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (!line.StartsWith("expr: ", StringComparison.Ordinal)) continue;
            string expression = line["expr: ".Length..];
            if (expression == ">-") expression = string.Join(' ', lines.Skip(i + 1).TakeWhile(IsFolded).Select(static each => each.Trim()));
            if (!expression.StartsWith("up{", StringComparison.Ordinal)) yield return expression;
        }

        static bool IsFolded(string line) => line.StartsWith("          ", StringComparison.Ordinal);
    }

    // The names of all series, each with the labels of its series.
    private static async Task<Dictionary<string, HashSet<string>>> ScrapeAsync(HttpClient http, CancellationToken stop)
    {
        var metrics = new Dictionary<string, HashSet<string>>();
        string text = await http.GetStringAsync(new Uri("metrics", UriKind.Relative), stop);
        foreach (string line in text.Split('\n').Where(static line => line.Length > 0 && line[0] != '#'))
        {
            Query series = Query.Parse(line[..line.LastIndexOf(' ')]);
            if (!metrics.TryGetValue(series.Metrics.Single(), out HashSet<string>? labels)) metrics[series.Metrics.Single()] = labels = [];
            labels.UnionWith(series.Labels);
        }

        return metrics;
    }

    // What an expression of Prometheus names, as far as the dashboard's go: selectors, ranges and groupings.
    private sealed partial record Query(
        string Text, IReadOnlyList<string> Metrics, IReadOnlyList<string> Labels, IReadOnlyList<string> Values)
    {
        internal static Query Parse(string text)
        {
            List<string> labels = [], values = [];
            string rest = Selector().Replace(text, selector =>
            {
                foreach (Match matcher in Matcher().Matches(selector.Value))
                {
                    labels.Add(matcher.Groups[1].Value);
                    values.AddRange(matcher.Groups[2].Value.Split('|').Where(static value => Word().IsMatch(value)));
                }

                return " ";
            });
            rest = Range().Replace(rest, " ");
            rest = Grouping().Replace(rest, grouping =>
            {
                labels.AddRange(grouping.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries));
                return " ";
            });
            string[] metrics = [.. Name().Matches(rest).Select(static name => name.Value).Where(static name => !s_words.Contains(name))];
            return new Query(text, metrics, [.. labels.Distinct()], values);
        }

        [GeneratedRegex("""\{[^}]*\}""")]
        private static partial Regex Selector();

        [GeneratedRegex("""([a-zA-Z_]\w*)\s*=~?\s*"([^"]*)" """, RegexOptions.IgnorePatternWhitespace)]
        private static partial Regex Matcher();

        // A value that is a word of the hub's own: no number and no variable of the dashboard.
        [GeneratedRegex("^[a-z_]+$")]
        private static partial Regex Word();

        [GeneratedRegex("""\[[^\]]*\]""")]
        private static partial Regex Range();

        [GeneratedRegex("""\bby\s*\(([^)]*)\)""")]
        private static partial Regex Grouping();

        [GeneratedRegex("""\b[a-z_][a-z0-9_]*\b""")]
        private static partial Regex Name();
    }
}
