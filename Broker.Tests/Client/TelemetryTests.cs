using System.Collections.Concurrent;
using System.Diagnostics;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Microsoft.Extensions.Logging;

namespace Broker.Tests.Client;

/// <summary>What a program sees of its client from outside: log entries and activities.</summary>
public sealed class TelemetryTests : ClientTest
{
    [Fact]
    public async Task A_publication_a_subscription_and_a_refusal_are_activities()
    {
        var ended = new ConcurrentQueue<Activity>();
        await ConnectAsync();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == BrokerClientTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (Equals(activity.GetTagItem("server.port"), Hub.Url.Port)) ended.Enqueue(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);

        await SubscribeAsync();
        Task<PublishReceipt> publishing = Client.PublishAsync("news", "hello"u8.ToArray());
        Assert.Null(Activity.Current);
        uint request = Read(await Side.ReceiveAsync(), message => message.As<Publish>().Request);
        await Side.SendAsync(
            NativeWriter.Message(new NativeError { Scope = ErrorScope.Request, Code = 103, Id = request, Text = "permission denied"u8 }));
        await Assert.ThrowsAsync<RequestRejectedException>(() => publishing);

        Assert.Equal(["subscribe news", "send news"], ended.Select(activity => activity.DisplayName));
        Activity refused = ended.Last();
        Assert.Equal(
            (ActivityKind.Producer, ActivityStatusCode.Error, "103"), (refused.Kind, refused.Status, refused.GetTagItem("error.type")));
        Assert.Equal(("broker", "news"), (refused.GetTagItem("messaging.system"), refused.GetTagItem("messaging.destination.name")));
    }

    [Fact]
    public async Task A_connection_that_is_made_and_lost_is_logged_with_the_reason()
    {
        using var log = new RecordingLog();
        await ConnectAsync(Options with { LoggerFactory = log });
        await Side.SendAsync(NativeWriter.Message(new Bye { Code = 3001, RetryMilliseconds = 0, Text = "shutdown"u8 }));
        Side.Over.TrySetResult();

        await AwaitStateAsync(ClientState.Waiting);

        string[] entries = [.. log.Entries];
        Assert.StartsWith($"Information Broker.Client.BrokerClient Connected to {Hub.Url} as ", entries[0], StringComparison.Ordinal);
        Assert.Equal($"Warning Broker.Client.BrokerClient The connection to {Hub.Url} ended with 3001: shutdown", entries[1]);
    }

    private sealed class RecordingLog : ILoggerFactory
    {
        public ConcurrentQueue<string> Entries { get; } = new();

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

        public void Dispose()
        {
        }

        private sealed class Recorder(RecordingLog log, string category) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(
                LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                log.Entries.Enqueue($"{logLevel} {category} {formatter(state, exception)}");
        }
    }
}
