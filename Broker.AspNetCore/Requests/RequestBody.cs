using System.Net;
using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Broker.AspNetCore.Requests;

/// <summary>The body of a request, read as a whole, within a bound of its own and one of all bodies that are not disposed of yet.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int FirstBytes = 4096;

    private readonly BodyBudget _budget;
    private readonly IPEndPoint _client;
    private byte[] _buffer = [];
    private int _length;

    private RequestBody(BodyBudget budget, IPEndPoint client)
    {
        _budget = budget;
        _client = client;
    }

    /// <summary>The bytes.</summary>
    internal ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Why it was not read: 408 where it took too long, 413, or 503 where too much is being read; otherwise null.</summary>
    internal UpgradeFault? Fault { get; private set; }

    /// <summary>Reads a body.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="bytesMax">The longest.</param>
    /// <param name="budget">Of all bodies.</param>
    /// <param name="client">Whose share it counts in.</param>
    internal static async Task<RequestBody> ReadAsync(HttpContext context, int bytesMax, BodyBudget budget, IPEndPoint client)
    {
        var body = new RequestBody(budget, client);
        using var late = new CancellationTokenSource(budget.TimeMax, budget.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, late.Token);
        try
        {
            await body.ReadAsync(context, bytesMax, stop.Token).ConfigureAwait(false);
            return body;
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            body.Fault = new UpgradeFault(408, $"The body was not complete within {budget.TimeMax.TotalSeconds} s.");
            return body;
        }
        catch (BadHttpRequestException bad) when (bad.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            body.Fault = TooLong(bytesMax);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _budget.Return(_buffer.Length, _client);
        _buffer = [];
        _length = 0;
    }

    private async Task ReadAsync(HttpContext context, int bytesMax, CancellationToken cancellationToken)
    {
        if (context.Request.ContentLength > bytesMax)
        {
            Fault = TooLong(bytesMax);
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = bytesMax;
        while (true)
        {
            // Grows with what has come, never with what a header promises.
            if (_length == _buffer.Length && !TryGrow())
            {
                Fault = new UpgradeFault(503, "The server is reading too many bodies now.") { RetryAfter = TimeSpan.FromSeconds(1) };
                return;
            }

            int read = await context.Request.Body.ReadAsync(_buffer.AsMemory(_length), cancellationToken).ConfigureAwait(false);
            if (read == 0) return;
            _length += read;
            if (_length <= bytesMax) continue;
            Fault = TooLong(bytesMax);
            return;
        }
    }

    private bool TryGrow()
    {
        int length = Math.Max(FirstBytes, 2 * _buffer.Length);
        if (!_budget.TryTake(length - _buffer.Length, _client)) return false;
        Array.Resize(ref _buffer, length);
        return true;
    }

    private static UpgradeFault TooLong(int bytesMax) => new(413, $"A body has at most {bytesMax} bytes here.");
}
