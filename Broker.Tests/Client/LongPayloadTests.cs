using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Dialects;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Settings;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using CallSettings = Broker.Client.CallSettings;

namespace Broker.Tests.Client;

/// <summary>The client and a running hub: what is long, what is compressed, and calls of the hub.</summary>
public sealed class LongPayloadTests : IAsyncLifetime
{
    private const int Long = 3_000_000;

    private static readonly TimeSpan s_patience = ScriptedHub.Patience;

    private readonly Hub _hub = new(
        new HubSettings { Reactors = 2, Listen = new ListenSettings { Port = 0 } },
        ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF }"),
        TimeProvider.System,
        Broker.Dialects.StandardDialects.Of(new StandardSettings()));

    private readonly byte[] _data = new byte[Long];

    public Task InitializeAsync()
    {
        new Random(20_261_122).NextBytes(_data);
        _hub.Methods.Add("same", static (call, _) => new(call.Arguments));
        _hub.Methods.Add("parts", static async (call, _) =>
        {
            for (int i = 0; i < 20; i++) await call.SendAsync(call.Arguments.Slice(i * 2_000, 2_000));
            return call.Arguments;
        });
        _hub.Start(plainHttp: null);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _hub.DisposeAsync();

    private Task<BrokerClient> ConnectAsync(Compressions compressions = Compressions.None, ClientMethods? methods = null) =>
        BrokerClient.ConnectAsync(new BrokerClientOptions
    {
        Url = new Uri($"ws://127.0.0.1:{_hub.Endpoints[0].Port}/ws"),
        Compressions = compressions,
        Methods = methods ?? new ClientMethods(),
    });

    [Theory, InlineData(Compressions.None), InlineData(Compressions.Brotli), InlineData(Compressions.Gzip)]
    public async Task Long_and_small_publications_arrive_unchanged(Compressions compressions)
    {
        await using BrokerClient publisher = await ConnectAsync(), listener = await ConnectAsync(compressions);
        await using Subscription news = await listener.SubscribeAsync("news");
        await using IAsyncEnumerator<Broker.Client.Delivery> deliveries = news.GetAsyncEnumerator();
        var progress = new Received();

        PublishReceipt receipt = await publisher.PublishAsync("news", _data, progress).WaitAsync(s_patience);
        await publisher.PublishAsync("news", new byte[10_000]).WaitAsync(s_patience);

        Assert.Equal(new PublishReceipt(1, 1), receipt);
        Assert.Equal(new TransferProgress(Long, Long), progress.Reports[^1]);
        Assert.Equal(12, progress.Reports.Count);
        var received = new Dictionary<ulong, ReadOnlyMemory<byte>>();
        while (received.Count < 2)
        {
            Assert.True(await deliveries.MoveNextAsync().AsTask().WaitAsync(s_patience));
            Assert.Equal(Gap.None, deliveries.Current.GapBefore);
            received[deliveries.Current.Offset] = deliveries.Current.Data;
        }

        Assert.True(received[1].Span.SequenceEqual(_data));
        Assert.Equal(new byte[10_000], received[2].ToArray());
    }

    [Fact]
    public async Task Long_arguments_and_results_arrive_unchanged_and_report_progress()
    {
        await using BrokerClient client = await ConnectAsync();
        Received up = new(), down = new();

        ReadOnlyMemory<byte> result =
            await client.CallAsync("same", _data, new CallSettings { Upload = up, Download = down }).WaitAsync(s_patience);

        Assert.True(result.Span.SequenceEqual(_data));
        Assert.Equal(new TransferProgress(Long, Long), up.Reports[^1]);
        Assert.Equal(new TransferProgress(Long, Long), down.Reports[^1]);
        Assert.True(down.Reports.Count > 5);
    }

    [Theory, InlineData(Compressions.None), InlineData(Compressions.Brotli)]
    public async Task Long_arguments_many_results_and_a_long_last_one_go_together(Compressions compressions)
    {
        await using BrokerClient client = await ConnectAsync(compressions);
        Array.Clear(_data, 0, 50_000);      // Short items are compressed where that helps.
        await using OpenedCall call = client.OpenCall("parts", _data);
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();

        for (int i = 0; i < 20; i++)
        {
            Assert.True(await results.MoveNextAsync().AsTask().WaitAsync(s_patience));
            Assert.Equal(new byte[2_000], results.Current.ToArray());
        }

        Assert.False(await results.MoveNextAsync().AsTask().WaitAsync(s_patience));
        Assert.True((await call.Result.WaitAsync(s_patience)).Span.SequenceEqual(_data));
    }

    [Fact]
    public async Task Arguments_that_others_follow_have_to_fit_a_frame()
    {
        await using BrokerClient client = await ConnectAsync();

        Assert.Throws<PayloadTooLargeException>(() => client.OpenCall("same", _data, sendsItems: true));

        Assert.Equal(3, (await client.CallAsync("same", new byte[3]).WaitAsync(s_patience)).Length);
    }

    [Fact]
    public async Task A_cancelled_upload_leaves_the_connection_as_it_was()
    {
        await using BrokerClient client = await ConnectAsync();
        using var stop = new CancellationTokenSource();
        var progress = new Received { OnReport = _ => stop.Cancel() };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => client.PublishAsync("news", _data, progress, stop.Token).WaitAsync(s_patience));

        Assert.True((await client.PingAsync().WaitAsync(s_patience)) < s_patience);
        Assert.Equal(Long, (await client.CallAsync("same", _data).WaitAsync(s_patience)).Length);
    }

    [Fact]
    public async Task The_hub_calls_methods_of_a_client()
    {
        var methods = new ClientMethods();
        var broken = new TaskCompletionSource<string>();
        var cancelled = new TaskCompletionSource();
        methods.Failed += (name, failure) => broken.TrySetResult($"{name}: {failure.Message}");
        methods.Add("reverse", static (arguments, _) =>
        {
            byte[] result = arguments.ToArray();
            result.AsSpan().Reverse();
            return new(result);
        });
        methods.Add("refuses", static (_, _) => throw new CallFailedException("refuses", (FaultCode)1234, "not on Sundays"));
        methods.Add("breaks", static (_, _) => throw new InvalidOperationException("a secret"));
        methods.Add("waits", async (_, cancellationToken) =>
        {
            await using CancellationTokenRegistration reported = cancellationToken.Register(() => cancelled.TrySetResult());
            await Cancelled.WhenAsync(cancellationToken);
            return default;
        });
        await using BrokerClient client = await ConnectAsync(methods: methods);

        Assert.Equal([3, 2, 1], (await CallAsync("reverse", [1, 2, 3])).ToArray());
        ReadOnlyMemory<byte> reversed = await CallAsync("reverse", _data);
        Array.Reverse(_data);
        Assert.True(reversed.Span.SequenceEqual(_data));

        ClientCallException refused = await Assert.ThrowsAsync<ClientCallException>(() => CallAsync("refuses", []));
        Assert.Equal(((FaultCode)1234, "not on Sundays"), (refused.Code, refused.Text));
        Assert.Equal(FaultCode.Internal, (await Assert.ThrowsAsync<ClientCallException>(() => CallAsync("breaks", []))).Code);
        Assert.Equal("breaks: a secret", await broken.Task.WaitAsync(s_patience));
        Assert.Equal(FaultCode.UnknownMethod, (await Assert.ThrowsAsync<ClientCallException>(() => CallAsync("nobody", []))).Code);

        using var stop = new CancellationTokenSource();
        Task<ReadOnlyMemory<byte>> waiting = _hub.Clients.CallAsync(client.ClientId!, "waits", default, cancellationToken: stop.Token);
        await client.PingAsync().WaitAsync(s_patience);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(s_patience));
        await cancelled.Task.WaitAsync(s_patience);

        Task<ReadOnlyMemory<byte>> CallAsync(string method, byte[] arguments) =>
            _hub.Clients.CallAsync(client.ClientId!, method, arguments).WaitAsync(s_patience);
    }

    [Fact]
    public async Task The_hub_and_a_client_method_exchange_many_items()
    {
        const int pieceBytes = 50_000;
        var methods = new ClientMethods();
        methods.AddWithItems("reverse-each", static async (call, cancellationToken) =>
        {
            int count = 0;
            await foreach (ReadOnlyMemory<byte> item in call.Items)
            {
                byte[] reversed = item.ToArray();
                reversed.AsSpan().Reverse();
                await call.SendAsync(reversed, cancellationToken);
                count++;
            }

            return BitConverter.GetBytes(count);
        });
        await using BrokerClient client = await ConnectAsync(methods: methods);

        await using OpenedClientCall call = _hub.Clients.Open(client.ClientId!, "reverse-each", sendsItems: true);
        Task sending = SendAllAsync();
        var received = new List<byte>();
        await foreach (ReadOnlyMemory<byte> item in call) received.AddRange(item.ToArray().Reverse());

        await sending.WaitAsync(s_patience);
        Assert.True(received.SequenceEqual(_data));
        Assert.Equal(Long / pieceBytes, BitConverter.ToInt32((await call.Result.WaitAsync(s_patience)).Span));

        async Task SendAllAsync()
        {
            for (int i = 0; i < Long; i += pieceBytes) await call.SendAsync(_data.AsMemory(i, pieceBytes));
            call.EndArguments();
        }
    }

    [Fact]
    public async Task A_client_that_closes_ends_the_calls_to_it()
    {
        var methods = new ClientMethods();
        var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        methods.Add("waits", async (_, cancellationToken) =>
        {
            called.TrySetResult();
            await Cancelled.WhenAsync(cancellationToken);
            return default;
        });
        BrokerClient client = await ConnectAsync(methods: methods);
        Task<ReadOnlyMemory<byte>> waiting = _hub.Clients.CallAsync(client.ClientId!, "waits", default);
        await called.Task.WaitAsync(s_patience);

        await client.DisposeAsync();

        Assert.Equal(FaultCode.Closed, (await Assert.ThrowsAsync<ClientCallException>(() => waiting.WaitAsync(s_patience))).Code);
    }

    private sealed class Received : IProgress<TransferProgress>
    {
        private readonly List<TransferProgress> _reports = [];

        public Action<TransferProgress>? OnReport { get; init; }

        public IReadOnlyList<TransferProgress> Reports
        {
            get
            {
                lock (_reports) return [.. _reports];
            }
        }

        public void Report(TransferProgress value)
        {
            lock (_reports) _reports.Add(value);
            OnReport?.Invoke(value);
        }
    }
}
