using System.Buffers;
using System.Text.Json;
using Broker.Identity.Settings;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Broker.AspNetCore.Api;

/// <summary>
/// The server API over HTTP, as Centrifugo has it: <c>POST /api/METHOD</c>, and <c>POST /api</c> with <c>{"method","params"}</c>.
/// </summary>
/// <remarks>
/// <code>
///   401   no key, or a wrong one: told before the body is read
///   405   not POST                         413   a longer body than the bound
///   404   no such method in the path       400   not the JSON of a request
///   200   {"result":{...}} or {"error":{"code","message"}}
/// </code>
/// With <c>X-Centrifugo-Error-Mode: transport</c> an error is the status of the answer, and its body is <c>{"code","message"}</c>.
/// </remarks>
/// <param name="methods">What can be asked.</param>
/// <param name="keys">Who may ask.</param>
/// <param name="bounds">Bounds.</param>
/// <param name="log">Gets what nothing has foreseen.</param>
public sealed class ApiRoute(ApiMethods methods, ApiKeys keys, ApiSettings bounds, ILogger log)
{
    private static readonly JsonWriterOptions s_writing =
        new() { SkipValidation = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether a path is one of the API's: <paramref name="root"/> itself, or one below it.</summary>
    /// <param name="path">The path of a request.</param>
    /// <param name="root">Where the API is, such as <c>/api</c>.</param>
    /// <param name="method">What follows the root; empty for the root itself.</param>
    public static bool Serves(PathString path, PathString root, out string method)
    {
        method = "";
        if (!path.StartsWithSegments(root, StringComparison.Ordinal, out PathString rest)) return false;
        method = rest.Value is { Length: > 1 } name ? name[1..] : "";
        return true;
    }

    /// <summary>Answers a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="method">The method of its path; empty for the form that names it in the body.</param>
    public async Task AnswerAsync(HttpContext context, string method)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(method);
        HttpRequest request = context.Request;
        if (!keys.Allow(request.Headers))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (!HttpMethods.IsPost(request.Method))
        {
            context.Response.Headers.Allow = "POST";
            await WriteTextAsync(context, StatusCodes.Status405MethodNotAllowed, "Only POST.").ConfigureAwait(false);
            return;
        }

        if (method.Length > 0 && !ApiMethods.Has(method))
        {
            await WriteTextAsync(context, StatusCodes.Status404NotFound, "There is no such method.").ConfigureAwait(false);
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = bounds.BodyBytesMax;
        if (await ReadBodyAsync(context).ConfigureAwait(false) is not { } body) return;
        if (method.Length > 0) await AnswerMethodAsync(context, method, body).ConfigureAwait(false);
        else await AnswerCommandsAsync(context, body).ConfigureAwait(false);
    }

    private async Task AnswerMethodAsync(HttpContext context, string method, ReadOnlyMemory<byte> body)
    {
        JsonElement parameters;
        try
        {
            parameters = Parse(body.Span);
        }
        catch (JsonException bad)
        {
            await WriteTextAsync(context, StatusCodes.Status400BadRequest, $"The body is not the JSON of a request: {bad.Message}")
                .ConfigureAwait(false);
            return;
        }

        ArrayBufferWriter<byte> answer = new(256);
        ApiError? error = await RunAsync(method, parameters, answer, context.RequestAborted).ConfigureAwait(false);
        bool onTransport =
            error is not null && method != ApiMethods.Batch && context.Request.Headers["X-Centrifugo-Error-Mode"] == "transport";
        if (onTransport) answer = Write(writer => WriteMembers(writer, error!));
        await WriteJsonAsync(context, onTransport ? error!.Status : StatusCodes.Status200OK, answer.WrittenMemory).ConfigureAwait(false);
    }

    // The form before the paths: one object or several, with line feeds between, each answered in a line.
    private async Task AnswerCommandsAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        List<JsonElement>? commands = ReadCommands(body.Span, out string fault);
        if (commands is null)
        {
            await WriteTextAsync(context, StatusCodes.Status400BadRequest, fault).ConfigureAwait(false);
            return;
        }

        var answer = new ArrayBufferWriter<byte>(256);
        for (int i = 0; i < commands.Count; i++)
        {
            string method =
                commands[i].TryGetProperty("method", out JsonElement name) && name.ValueKind == JsonValueKind.String ? name.GetString()!
                    : "";
            JsonElement parameters = commands[i].TryGetProperty("params", out JsonElement given) ? given : default;
            await RunAsync(method, parameters, answer, context.RequestAborted).ConfigureAwait(false);
            if (i + 1 < commands.Count) answer.Write("\n"u8);
        }

        await WriteJsonAsync(context, StatusCodes.Status200OK, answer.WrittenMemory).ConfigureAwait(false);
    }

    // Writes the answer: {"result":...}, {"error":...}, or what a batch answers as it is.
    private async Task<ApiError?> RunAsync(
        string method, JsonElement parameters, ArrayBufferWriter<byte> answer, CancellationToken cancellationToken)
    {
        var result = new ArrayBufferWriter<byte>(256);
        await using var writer = new Utf8JsonWriter(result, s_writing);
        ApiError? error = await methods.RunAsync(method, parameters, writer, bounds, log, cancellationToken).ConfigureAwait(false);
        await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (error is not null)
        {
            answer.Write(Write(whole => WriteError(whole, error)).WrittenSpan);
        }
        else if (method == ApiMethods.Batch)
        {
            answer.Write(result.WrittenSpan);
        }
        else
        {
            answer.Write("{\"result\":"u8);
            answer.Write(result.WrittenSpan);
            answer.Write("}"u8);
        }

        return error;
    }

    private static ArrayBufferWriter<byte> Write(Action<Utf8JsonWriter> members)
    {
        var json = new ArrayBufferWriter<byte>(128);
        using var writer = new Utf8JsonWriter(json, s_writing);
        writer.WriteStartObject();
        members(writer);
        writer.WriteEndObject();
        writer.Flush();
        return json;
    }

    internal static void WriteError(Utf8JsonWriter writer, ApiError error)
    {
        writer.WriteStartObject("error"u8);
        WriteMembers(writer, error);
        writer.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter writer, ApiError error)
    {
        writer.WriteNumber("code"u8, error.Code);
        writer.WriteString("message"u8, error.Message);
    }

    // An empty body stands for an empty request, such as that of info.
    private static JsonElement Parse(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty) return default;
        var reader = new Utf8JsonReader(body);
        var element = JsonElement.ParseValue(ref reader);
        if (reader.Read()) throw new JsonException("more than one value");
        return element.ValueKind == JsonValueKind.Object ? element : throw new JsonException("not an object");
    }

    private List<JsonElement>? ReadCommands(ReadOnlySpan<byte> body, out string fault)
    {
        fault = "";
        List<JsonElement> commands = [];
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { AllowMultipleValues = true });
            while (reader.Read())
            {
                if (commands.Count == bounds.CommandsMax)
                {
                    fault = $"More than {bounds.CommandsMax} commands in one request.";
                    return null;
                }

                var command = JsonElement.ParseValue(ref reader);
                if (command.ValueKind != JsonValueKind.Object) throw new JsonException("a command is not an object");
                commands.Add(command);
            }

            if (commands.Count > 0) return commands;
            fault = "The body has no command.";
        }
        catch (JsonException bad)
        {
            fault = $"The body is not the JSON of commands: {bad.Message}";
        }

        return null;
    }

    private async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength > bounds.BodyBytesMax)
        {
            await RefuseLengthAsync(context).ConfigureAwait(false);
            return null;
        }

        // Grows with what has come, never with what a header promises.
        byte[] buffer = new byte[4096];
        int length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
                int read = await request.Body.ReadAsync(buffer.AsMemory(length), context.RequestAborted).ConfigureAwait(false);
                if (read == 0) return buffer.AsMemory(0, length);
                length += read;
                if (length > bounds.BodyBytesMax)
                {
                    await RefuseLengthAsync(context).ConfigureAwait(false);
                    return null;
                }
            }
        }
        catch (BadHttpRequestException bad) when (bad.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            await RefuseLengthAsync(context).ConfigureAwait(false);
            return null;
        }
    }

    private Task RefuseLengthAsync(HttpContext context)
    {
        context.Response.Headers.Connection = "close";
        return WriteTextAsync(context, StatusCodes.Status413PayloadTooLarge, $"A body has at most {bounds.BodyBytesMax} bytes.");
    }

    private static Task WriteJsonAsync(HttpContext context, int status, ReadOnlyMemory<byte> json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        return context.Response.Body.WriteAsync(json, context.RequestAborted).AsTask();
    }

    private static Task WriteTextAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n", context.RequestAborted);
    }
}
