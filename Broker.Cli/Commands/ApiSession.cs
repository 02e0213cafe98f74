using System.Collections;
using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Broker.Cli.Terminal;

namespace Broker.Cli.Commands;

/// <summary>The options that say where the server API is, and one question to it, every failure reported in one line.</summary>
/// <param name="environment">For what the command line leaves out.</param>
/// <param name="streams">What is written.</param>
/// <param name="targetOf">What the hub's settings say, for what neither says.</param>
internal sealed class ApiSession(IDictionary environment, Streams streams, Func<ParseResult, ApiTarget> targetOf)
{
    private readonly Option<string?> _url = new("--api-url")
    {
        HelpName = "URL",
        Description = $"The hub to ask, such as http://127.0.0.1:8000; or {ClientVariables.ApiUrl}. [default: by the hub's settings]",
    };

    private readonly Option<string?> _key = new("--api-key")
    {
        HelpName = "KEY",
        Description =
            $"What opens the server API. Better given as {ClientVariables.ApiKey}, which other users do not see. [default: the first of "
                + $"broker.api.keys]",
    };

    private readonly Option<double> _timeout = TypedOptions.Seconds(
        "--timeout", "SECONDS", 30, "over 0 and at most 86400", static seconds =>
            seconds is > 0 and <= 86_400, "How long to wait for the answer.");

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_url);
        command.Add(_key);
        command.Add(_timeout);
    }

    /// <summary>Asks, and prints the answer.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="method">The method of the API.</param>
    /// <param name="body">Writes the members of the request.</param>
    /// <param name="print">Prints the result.</param>
    /// <param name="stop">Stops it.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal async Task<int> RunAsync(
        ParseResult parsed, string method, Action<Utf8JsonWriter> body, Func<JsonElement, CancellationToken, Task<int>> print,
            CancellationToken stop)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var signals = new CommandSignals(cancel.Cancel);
        string url = "";
        try
        {
            (Uri api, string key) = Choose(parsed);
            url = api.ToString();
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel.Token);
            timeout.CancelAfter(TimeSpan.FromSeconds(parsed.GetValue(_timeout)));
            using JsonDocument answer =
                await AskAsync(new Uri($"{url.TrimEnd('/')}/{method}"), key, body, timeout.Token).ConfigureAwait(false);
            JsonElement root = answer.RootElement;
            if (root.TryGetProperty("error", out JsonElement error))
                return Report(ExitCode.Failed, $"error {error.GetProperty("code")}: {error.GetProperty("message")}");
            return await print(root.GetProperty("result"), cancel.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (OperationCanceledException)
        {
            return Report(ExitCode.Failed, $"{url} has not answered within {parsed.GetValue(_timeout)} s (--timeout)");
        }
        catch (OutputClosedException)
        {
            return ExitCode.OutputClosed;
        }
        catch (HttpRequestException lost)
        {
            return Report(ExitCode.Unreachable, $"{url} cannot be reached: {(lost.InnerException ?? lost).Message}");
        }
        catch (UsageException wrong)
        {
            return Report(ExitCode.Unusable, wrong.Message);
        }
        catch (ApiStatusException refused)
        {
            return Report(ExitCode.Failed, refused.Message);
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or IOException)
        {
            return Report(ExitCode.Failed, $"{url} is no server API of a hub: {failure.Message}");
        }
    }

    private (Uri Url, string Key) Choose(ParseResult parsed)
    {
        string? url = parsed.GetValue(_url) ?? environment[ClientVariables.ApiUrl] as string;
        string? key = parsed.GetValue(_key) ?? environment[ClientVariables.ApiKey] as string;
        if (url is null || key is null)
        {
            ApiTarget target = targetOf(parsed);
            if (target.Problems.Count > 0) throw new UsageException(string.Join("; ", target.Problems));
            url ??= target.Url;
            key ??= target.Key;
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? api) || api.Scheme is not ("http" or "https"))
            throw new UsageException($"{url} is no URL of a hub, such as http://127.0.0.1:8000.");
        if (key.Length == 0)
            throw new UsageException($"No API key: give --api-key, {ClientVariables.ApiKey}, or --config with the hub's broker.api.keys.");

        // The API is below the hub's root, which may be below another server's.
        return (api.AbsolutePath.TrimEnd('/').EndsWith("/api", StringComparison.Ordinal) ? api : new Uri($"{url.TrimEnd('/')}/api"), key);
    }

    private static async Task<JsonDocument> AskAsync(Uri url, string key, Action<Utf8JsonWriter> body, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(Write(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (!request.Headers.TryAddWithoutValidation("X-API-Key", key)) throw new UsageException("The API key cannot stand in a header.");
        using HttpResponseMessage response =
            await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new ApiStatusException($"{url} answers {(int)response.StatusCode}{ReasonOf(response.StatusCode)}");
        await using Stream answer = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return await JsonDocument.ParseAsync(answer, default, cancellationToken).ConfigureAwait(false);
    }

    private static string ReasonOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized => ": the API key is not one of broker.api.keys",
        HttpStatusCode.NotFound => ": the server API of a hub is not there",
        _ => "",
    };

    private static byte[] Write(Action<Utf8JsonWriter> body)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            body(writer);
            writer.WriteEndObject();
        }

        return text.ToArray();
    }

    private int Report(int code, string message)
    {
        streams.Report(message);
        return code;
    }

    // The status of HTTP is not the one of an answer.
    private sealed class ApiStatusException(string message) : Exception(message);
}
