namespace Broker.Bench.Load;

/// <summary>The questions, one a line.</summary>
internal static class Scenarios
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new EchoScenario(Connections: 100, Bytes: 20, Depth: 1),
        new EchoScenario(Connections: 10, Bytes: 1024, Depth: 1),
        new EchoScenario(Connections: 10, Bytes: 16384, Depth: 1),
        new EchoScenario(Connections: 200, Bytes: 16384, Depth: 1),
        new EchoScenario(Connections: 500, Bytes: 16384, Depth: 1),
        new EchoScenario(Connections: 1, Bytes: 125, Depth: 64),
        new EchoScenario(Connections: 100, Bytes: 125, Depth: 16),

        FanOut(subscribers: 1, bytes: 128, window: 16),
        FanOut(subscribers: 1000, bytes: 128, window: 4),
        FanOut(subscribers: 10, bytes: 64, window: 16),
        FanOut(subscribers: 100, bytes: 64, window: 1),
        FanOut(subscribers: 100, bytes: 64, window: 16),
        FanOut(subscribers: 100, bytes: 64, window: 32),
        FanOut(subscribers: 1000, bytes: 64, window: 1),
        FanOut(subscribers: 1000, bytes: 64, window: 16),
        FanOut(subscribers: 1000, bytes: 64, window: 32),
        FanOut(subscribers: 5000, bytes: 64, window: 1),
        FanOut(subscribers: 5000, bytes: 64, window: 16),
        FanOut(subscribers: 5000, bytes: 64, window: 32),
        FanOut(subscribers: 10_000, bytes: 64, window: 16),
        FanOut(subscribers: 100, bytes: 1024, window: 1),
        FanOut(subscribers: 100, bytes: 1024, window: 16),
        FanOut(subscribers: 100, bytes: 1024, window: 32),
        FanOut(subscribers: 1000, bytes: 1024, window: 1),
        FanOut(subscribers: 1000, bytes: 1024, window: 16),
        FanOut(subscribers: 1000, bytes: 1024, window: 32),
        FanOut(subscribers: 5000, bytes: 1024, window: 1),
        FanOut(subscribers: 5000, bytes: 1024, window: 16),
        FanOut(subscribers: 5000, bytes: 1024, window: 32),

        new FanOutScenario("burst-64", Subscribers: 100, Bytes: 64, Window: 64),
        new FanOutScenario("burst-256", Subscribers: 100, Bytes: 64, Window: 256),
        new FanOutScenario("burst-1024", Subscribers: 100, Bytes: 64, Window: 1024),

        new FanOutScenario("topics-100x10", Subscribers: 1000, Bytes: 64, Window: 4, Topics: 100, Publishers: 100),

        new FanOutScenario("rate-100-at-1000", Subscribers: 100, Bytes: 64, PublicationsASecond: 1000),
        new FanOutScenario("rate-1000-at-50", Subscribers: 1000, Bytes: 64, PublicationsASecond: 50),

        new IdleScenario("idle-10000", Connections: 10_000, HoldSeconds: 2),
        new SubscribedScenario(Connections: 10_000),
        new IdleScenario("accept-5000", Connections: 5000, HoldSeconds: 0),
    ];

    private static FanOutScenario FanOut(int subscribers, int bytes, int window) =>
        new($"fanout-{subscribers}x{bytes}-w{window}", subscribers, bytes, window);
}
