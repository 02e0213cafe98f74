using System.IO.Pipelines;
using System.Net;
using Broker.AspNetCore.Requests;
using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.AspNetCore.Streams;

/// <summary>Bodies of requests that come slowly, and those of one address that hold what all share.</summary>
public sealed class StreamBodyTests
{
    private const int BytesMax = 512 * 1024, AllBytesMax = 4 * BytesMax;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);
    private static readonly IPEndPoint s_one = new(IPAddress.Parse("192.0.2.1"), 1), s_other = new(IPAddress.Parse("192.0.2.2"), 1);

    private readonly FakeTimeProvider _time = new();
    private readonly BodyBudget _budget;

    public StreamBodyTests() => _budget = new BodyBudget(AllBytesMax, s_limit, ClientAddresses.Direct, _time);

    private async Task<(Pipe Sender, Task<RequestBody> Body)> BeginAsync(IPEndPoint client, int bytes)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var context = new DefaultHttpContext { Request = { Body = pipe.Reader.AsStream() } };
        Task<RequestBody> reading = RequestBody.ReadAsync(context, BytesMax, _budget, client);
        await pipe.Writer.WriteAsync(new byte[bytes]);
        return (pipe, reading);
    }

    private static async Task<RequestBody> EndAsync((Pipe Sender, Task<RequestBody> Body) begun)
    {
        await begun.Sender.Writer.CompleteAsync();
        return await begun.Body;
    }

    [Fact]
    public async Task A_body_that_comes_slowly_ends_with_408_and_its_bytes_are_returned()
    {
        (Pipe sender, Task<RequestBody> reading) = await BeginAsync(s_one, 100_000);
        _time.Advance(s_limit - TimeSpan.FromSeconds(1));
        await sender.Writer.WriteAsync(new byte[1]);
        Assert.False(reading.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(1));

        using (RequestBody body = await reading) Assert.Equal(408, body.Fault?.Status);
        Assert.Equal(0, _budget.Taken);
    }

    [Fact]
    public async Task Bodies_that_stand_still_leave_half_to_other_addresses()
    {
        (Pipe Sender, Task<RequestBody> Body)[] still =
            [await BeginAsync(s_one, BytesMax - 1), await BeginAsync(s_one, BytesMax - 1)];
        while (_budget.Taken < 2 * BytesMax) await Task.Yield();

        using RequestBody refused = await EndAsync(await BeginAsync(s_one, 10));
        Assert.Equal((503, true), (refused.Fault?.Status, refused.Fault?.RetryAfter is not null));
        using RequestBody served = await EndAsync(await BeginAsync(s_other, BytesMax - 1));
        Assert.Equal((null, BytesMax - 1), (served.Fault, served.Bytes.Length));

        foreach ((Pipe Sender, Task<RequestBody> Body) each in still) (await EndAsync(each)).Dispose();
        using RequestBody again = await EndAsync(await BeginAsync(s_one, 10));
        Assert.Null(again.Fault);
    }
}
