using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Broker.AspNetCore.Requests;

/// <summary>The body of a request, read as a whole, within a bound of its own and one of all bodies that are not disposed of yet.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int FirstBytes = 4096;

    private readonly BodyBudget _budget;
    private byte[] _buffer = [];
    private int _length;

    private RequestBody(BodyBudget budget) => _budget = budget;

    /// <summary>The bytes.</summary>
    internal ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Why it was not read: 413, or 503 where too much is being read already; otherwise null.</summary>
    internal UpgradeFault? Fault { get; private set; }

    /// <summary>Reads a body.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="bytesMax">The longest.</param>
    /// <param name="budget">Of all bodies.</param>
    internal static async Task<RequestBody> ReadAsync(HttpContext context, int bytesMax, BodyBudget budget)
    {
        var body = new RequestBody(budget);
        try
        {
            await body.ReadAsync(context, bytesMax).ConfigureAwait(false);
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
        _budget.Return(_buffer.Length);
        _buffer = [];
        _length = 0;
    }

    private async Task ReadAsync(HttpContext context, int bytesMax)
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

            int read = await context.Request.Body.ReadAsync(_buffer.AsMemory(_length), context.RequestAborted).ConfigureAwait(false);
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
        if (!_budget.TryTake(length - _buffer.Length)) return false;
        Array.Resize(ref _buffer, length);
        return true;
    }

    private static UpgradeFault TooLong(int bytesMax) => new(413, $"A body has at most {bytesMax} bytes here.");
}

/// <summary>Bytes of bodies that are read at once.</summary>
/// <param name="bytesMax">The most of them.</param>
internal sealed class BodyBudget(long bytesMax)
{
    private long _taken;

    /// <summary>Bytes that are taken.</summary>
    internal long Taken => Interlocked.Read(ref _taken);

    /// <summary>Takes some, if there are enough.</summary>
    internal bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= bytesMax) return true;
        Return(bytes);
        return false;
    }

    /// <summary>Gives them back.</summary>
    internal void Return(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
