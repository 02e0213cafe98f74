using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Broker.Identity.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.Identity.Backend;

/// <summary>One URL of the backend: posts, within bounds of time, number and size, and leaves a backend alone that is down.</summary>
/// <remarks>
/// Safe for many threads. Every way in which a request can fail is a <see cref="BackendReply"/> with a failure; nothing is thrown but
/// cancellation.
/// </remarks>
public sealed class BackendEndpoint : IDisposable
{
    private readonly string _name;
    private readonly Uri _url;
    private readonly HttpClient _client;
    private readonly ProxySettings _settings;
    private readonly TimeProvider _time;
    private readonly BackendMeter _meter;
    private readonly ILogger _log;
    private readonly Circuit _circuit;
    private readonly SemaphoreSlim _slots;
    private int _waiting;

    /// <summary>Makes an endpoint; nothing is connected yet.</summary>
    /// <param name="name">What it is asked for, such as <c>connect</c>; for the log and the metrics.</param>
    /// <param name="url">The URL.</param>
    /// <param name="client">Keeps connections; not owned.</param>
    /// <param name="settings">Bounds.</param>
    /// <param name="time">The clock.</param>
    /// <param name="meter">Counts.</param>
    /// <param name="log">Gets a line when the backend goes down, and when it is back.</param>
    public BackendEndpoint(
        string name, Uri url, HttpClient client, ProxySettings settings, TimeProvider time, BackendMeter meter, ILogger log)
    {
        _name = name;
        _url = url;
        _client = client;
        _settings = settings;
        _time = time;
        _meter = meter;
        _log = log;
        _circuit = new Circuit(settings.CircuitFailures, settings.CircuitPause, time);
        _slots = new SemaphoreSlim(settings.ConcurrencyMax);
    }

    /// <summary>A client that suits: keep-alive, no redirects, no cookies.</summary>
    public static HttpClient CreateClient(ProxySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            MaxConnectionsPerServer = settings.ConcurrencyMax,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10), // So that a change of the name's addresses is noticed.
            ConnectTimeout = settings.Timeout,

            // A client may write what is not ASCII into a header that is passed on, which would fail here and look like a backend that is
            // down.
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan, // Each request has its own.
        };
    }

    /// <summary>Asks.</summary>
    /// <param name="body">The JSON of the request.</param>
    /// <param name="headers">Headers of the client that the backend is to have.</param>
    /// <param name="cancellationToken">Cancelled when no caller waits for the answer any more.</param>
    /// <exception cref="OperationCanceledException">By <paramref name="cancellationToken"/> alone.</exception>
    public async ValueTask<BackendReply> AskAsync(
        ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellationToken)
    {
        if (!_circuit.TryEnter()) return Refuse("the backend is down");
        if (Interlocked.Increment(ref _waiting) > _settings.WaitingMax + _settings.ConcurrencyMax)
        {
            Interlocked.Decrement(ref _waiting);
            _circuit.GiveUp();
            return Refuse("too many requests wait for the backend");
        }

        long start = _time.GetTimestamp();
        using Activity? activity = BackendTraces.Start(_name, headers);
        using var limit = new CancellationTokenSource(_settings.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        bool hasSlot = false;
        long sent = start;
        try
        {
            await _slots.WaitAsync(either.Token).ConfigureAwait(false);
            hasSlot = true;
            sent = _time.GetTimestamp();
            BackendReply reply = await PostAsync(body, headers, activity, either.Token).ConfigureAwait(false);
            if (_circuit.Succeed()) BackendLog.Back(_log, _name, _url);
            _meter.Answered(_name, _time.GetElapsedTime(start), reply);
            return reply;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _circuit.GiveUp();
            throw;
        }
        catch (OperationCanceledException) when (!hasSlot || _time.GetElapsedTime(sent) < _settings.Timeout / 2)
        {
            // Too many ask at once, which says nothing about the backend, also where it had but the rest of the time for an answer: the one
            // that floods it must not make it count as down.
            _circuit.GiveUp();
            return Refuse("no room for the request in time");
        }
        catch (OperationCanceledException)
        {
            activity?.SetStatus(ActivityStatusCode.Error, "timeout");
            return Fail($"no answer within {_settings.Timeout.TotalMilliseconds} ms", start);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or InvalidDataException or JsonException)
        {
            activity?.SetStatus(ActivityStatusCode.Error, failure.Message);
            return Fail(failure.Message, start);
        }
        finally
        {
            if (hasSlot) _slots.Release();
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _slots.Dispose();

    private async Task<BackendReply> PostAsync(
        ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, Activity? activity,
            CancellationToken cancellationToken)
    {
        using var content = new ReadOnlyMemoryContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, _url) { Content = content };
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (activity is not null)
        {
            request.Headers.Remove(BackendTraces.Header);
            request.Headers.TryAddWithoutValidation(BackendTraces.Header, activity.Id);
        }

        // A client's header of the same name does not stand beside the hub's own: the backend may read either.
        foreach ((string name, string value) in _settings.StaticHeaders)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using HttpResponseMessage response =
            await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK) throw new InvalidDataException($"it answered with status {(int)response.StatusCode}");
        return BackendReply.Read(await ReadAsync(response.Content, cancellationToken).ConfigureAwait(false));
    }

    // Grows with what has come, never with what a header promises.
    private async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using Stream source = await content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        byte[] buffer = new byte[1024];
        int length = 0;
        while (true)
        {
            if (length == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            int read = await source.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (read == 0) return buffer.AsMemory(0, length);
            length += read;
            if (length > _settings.AnswerBytesMax)
                throw new InvalidDataException($"its answer has more than {_settings.AnswerBytesMax} bytes");
        }
    }

    private BackendReply Refuse(string reason)
    {
        _meter.Refused(_name);
        return BackendReply.Fail(reason);
    }

    private BackendReply Fail(string reason, long start)
    {
        _meter.Failed(_name, _time.GetElapsedTime(start));
        if (_circuit.Fail()) BackendLog.Down(_log, _name, _url, reason, _settings.CircuitPause);
        else BackendLog.Failed(_log, _name, _url, reason);
        return BackendReply.Fail(reason);
    }
}

/// <summary>Lines of the log about the backend.</summary>
internal static partial class BackendLog
{
    [LoggerMessage(
        1, LogLevel.Error,
            "The backend is down: {Name} at {Url} failed too often, lately because {Reason}. Clients get error 100; it is tried again in "
                + "{Pause}")]
    internal static partial void Down(ILogger log, string name, Uri url, string reason, TimeSpan pause);

    [LoggerMessage(2, LogLevel.Information, "The backend is back: {Name} at {Url}")]
    internal static partial void Back(ILogger log, string name, Uri url);

    [LoggerMessage(3, LogLevel.Debug, "The backend failed: {Name} at {Url}: {Reason}")]
    internal static partial void Failed(ILogger log, string name, Uri url, string reason);
}
