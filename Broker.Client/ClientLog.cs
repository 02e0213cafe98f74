using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Client;

/// <summary>What the client logs, under the category <c>Broker.Client.BrokerClient</c>.</summary>
internal static partial class ClientLog
{
    private const string Category = "Broker.Client.BrokerClient";

    /// <summary>The logger of a client; one that writes nothing where there is no factory.</summary>
    public static ILogger CreateLogger(BrokerClientOptions options) => options.LoggerFactory?.CreateLogger(Category) ?? NullLogger.Instance;

    [LoggerMessage(1, LogLevel.Information, "Connected to {Url} as {ClientId}")]
    public static partial void Connected(ILogger logger, Uri url, string clientId);

    [LoggerMessage(2, LogLevel.Warning, "The connection to {Url} ended with {Code}: {Reason}")]
    public static partial void ConnectionLost(ILogger logger, Uri url, int code, string reason);

    [LoggerMessage(3, LogLevel.Debug, "The next attempt to connect to {Url} is in {Wait}")]
    public static partial void WaitingToReconnect(ILogger logger, Uri url, TimeSpan wait);

    [LoggerMessage(4, LogLevel.Error, "The client of {Url} is closed for good: the connection ended with {Code}: {Reason}")]
    public static partial void ClosedByHub(ILogger logger, Uri url, int code, string reason);

    [LoggerMessage(5, LogLevel.Warning, "The subscription of {Channel} ended")]
    public static partial void SubscriptionEnded(ILogger logger, string channel, Exception reason);

    [LoggerMessage(6, LogLevel.Error, "The method {Method}, which the hub called, failed")]
    public static partial void MethodFailed(ILogger logger, string method, Exception failure);
}
