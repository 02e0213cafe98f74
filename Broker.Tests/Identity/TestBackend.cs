using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Broker.Tests.Identity;

/// <summary>A backend that notes the last request and answers what it is sent to.</summary>
internal sealed class TestBackend : IAsyncDisposable
{
    private WebApplication? _app;
    private int _requests;

    /// <summary>What is answered; by path where <see cref="AnswerTo"/> is set.</summary>
    internal string Answer { get; set; } = """{"result":{}}""";

    /// <summary>Answers by path and body; <c>null</c> for <see cref="Answer"/>.</summary>
    internal Func<string, string, string>? AnswerTo { get; set; }

    internal int Status { get; set; } = 200;

    /// <summary>Answers wait for it.</summary>
    internal TaskCompletionSource? Stall { get; set; }

    internal string Path { get; private set; } = "";

    internal string Body { get; private set; } = "";

    internal IReadOnlyDictionary<string, string> Headers { get; private set; } = new Dictionary<string, string>();

    internal int Requests => Volatile.Read(ref _requests);

    internal int Port { get; private set; }

    internal async Task StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        Port = new Uri(_app.Urls.Single()).Port;
    }

    public async ValueTask DisposeAsync()
    {
        Stall?.TrySetResult();
        if (_app is not null) await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync();
        Path = context.Request.Path.Value!;
        Body = body;
        Headers = context.Request.Headers.ToDictionary(each => each.Key, each => each.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        Interlocked.Increment(ref _requests);
        if (Stall is { } stall) await stall.Task;
        context.Response.StatusCode = Status;
        if (Status == 302) context.Response.Headers.Location = "/elsewhere";
        if (Status != 204) await context.Response.WriteAsync(AnswerTo?.Invoke(context.Request.Path.Value!, body) ?? Answer);
    }
}
