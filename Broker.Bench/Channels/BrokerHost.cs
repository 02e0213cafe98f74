using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Broker.Bench.Load;
using Broker.Bench.Native;

namespace Broker.Bench.Channels;

/// <summary>The host of this tree, in a process of its own on core 0, and its server API.</summary>
internal static class BrokerHost
{
    /// <summary>The key of the server API that settings of a run should name.</summary>
    public const string Key = "bench";

    /// <summary>Starts the Release build of the host with settings of its own.</summary>
    /// <param name="settings">HOCON.</param>
    /// <param name="stop">Stops waiting for its start.</param>
    public static async Task<HubProcess> StartAsync(string settings, CancellationToken stop)
    {
        string assembly = Path.Combine(Tree.Root, "Broker.Host", "bin", "Release", "net10.0", "broker.dll");
        if (!File.Exists(assembly)) throw new LoadException("The host is not built: dotnet build -c Release Broker.Host");
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, settings, stop);
            return await HubProcess.StartAsync(assembly, stop, "serve", "--config", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Calls a method of the server API.</summary>
    /// <exception cref="LoadException">It was answered with an error.</exception>
    public static async Task<JsonElement> AskAsync(
        HttpClient http, HubProcess host, string method, object request, CancellationToken stop)
    {
        using var message = new HttpRequestMessage(
            HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{host.Port}/api/{method}"))
        {
            Content = JsonContent.Create(request),
        };
        message.Headers.Add("X-API-Key", Key);
        using HttpResponseMessage response = await http.SendAsync(message, stop);
        string answer = await response.Content.ReadAsStringAsync(stop);
        return JsonElement.Parse(answer).TryGetProperty("result", out JsonElement result)
            ? result : throw new LoadException($"{method}: {answer}");
    }
}
