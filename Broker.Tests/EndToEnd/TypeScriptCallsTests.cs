using System.Text;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Calls.Outbound;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Messages;
using Broker.Dialects;

namespace Broker.Tests.EndToEnd;

/// <summary>
/// Calls in both directions between the TypeScript client and a hub whose application has methods, which the host program has not.
/// </summary>
public sealed class TypeScriptCallsTests : IAsyncLifetime
{
    private const int Items = 60, ItemBytes = 50_000;

    private readonly Hub _hub = new(
        new HubSettings { Reactors = 1, Listen = new ListenSettings { Port = 0 } },
        ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF }"),
        TimeProvider.System,
        StandardDialects.Of(new StandardSettings()));

    public Task InitializeAsync()
    {
        TypeScriptClientTests.RequireBuild();
        _hub.Methods.Add("same", static (call, _) => new(call.Arguments));
        _hub.Methods.Add("parts", static async (call, _) =>
        {
            for (int i = 0; i < 20; i++) await call.SendAsync(call.Arguments.Slice(i * 2_000, 2_000));
            return call.Arguments;
        });
        _hub.Methods.Add("sums", static async (call, cancellationToken) =>
        {
            int sum = 0;
            await foreach (ReadOnlyMemory<byte> item in call.Items.WithCancellation(cancellationToken))
            {
                sum += int.Parse(item.Span, provider: null);
                await call.SendAsync(Bytes($"{sum}"));
            }

            return Bytes($"{sum}");
        });
        _hub.Methods.AddJson<Number, Number>("double", static (number, _, _) => new(new Number(number.Value * 2)));
        _hub.Methods.Add(
            "call-me", async (call, _) => Bytes(string.Join('\n', await CallClientAsync(Encoding.UTF8.GetString(call.Arguments.Span)))));
        _hub.Start(plainHttp: null);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _hub.DisposeAsync();

    [Fact]
    public Task Calls_go_both_ways_with_items_and_with_long_results() =>
        TypeScriptClientTests.RunAsync("""{"saw":"the end"}""", "typescript.js", $"ws://127.0.0.1:{_hub.Endpoints[0].Port}/ws", "calls");

    // What the application makes of the methods of the client that asked for it.
    private async Task<List<string>> CallClientAsync(string client)
    {
        var reported = new List<string>();
        byte[] data = new byte[Items * ItemBytes];
        new Random(20_261_129).NextBytes(data);
        byte[] reversed = [.. Enumerable.Reverse(data)];

        reported.Add($"reverse {(await CallAsync("reverse", [1, 2, 3]) is [3, 2, 1] ? "ok" : "?")}");
        reported.Add($"reverse long {((await CallAsync("reverse", data)).AsSpan().SequenceEqual(reversed) ? "ok" : "?")}");
        foreach (string method in (string[])["refuses", "breaks", "nobody"])
        {
            ClientCallException failed = await Assert.ThrowsAsync<ClientCallException>(() => CallAsync(method, []));
            reported.Add($"{method} {failed.Code} {failed.Text}");
        }

        using var cancel = new CancellationTokenSource();
        Task<ReadOnlyMemory<byte>> waiting = _hub.Clients.CallAsync(client, "waits", default, cancellationToken: cancel.Token);
        await CallAsync("reverse", []);     // Answered behind the one that waits: so that has begun.
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        reported.Add("waits cancelled");

        await using OpenedClientCall call = _hub.Clients.Open(client, "reverse-each", sendsItems: true);
        Task sending = SendAsync(call, data);
        var received = new List<byte>();
        await foreach (ReadOnlyMemory<byte> item in call) received.AddRange(Enumerable.Reverse(item.ToArray()));
        await sending;
        reported.Add($"reverse-each {Encoding.UTF8.GetString((await call.Result).Span)} {(received.SequenceEqual(data) ? "ok" : "?")}");
        return reported;

        async Task<byte[]> CallAsync(string method, byte[] arguments) =>
            (await _hub.Clients.CallAsync(client, method, arguments)).ToArray();
    }

    private static async Task SendAsync(OpenedClientCall call, ReadOnlyMemory<byte> data)
    {
        for (int i = 0; i < data.Length; i += ItemBytes) await call.SendAsync(data.Slice(i, ItemBytes));
        call.EndArguments();
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private sealed record Number(int Value);
}
