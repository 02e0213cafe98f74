using Microsoft.Extensions.Logging;

namespace Broker.Client;

/// <summary>What the parts of one connection share: their lock, their clock, and how the connection ended.</summary>
/// <remarks>
/// One lock guards all parts: the loops hold it while they read or fill a frame in memory, never while they wait for the
/// socket. Unless a part says otherwise its members are called under the lock.
/// </remarks>
internal sealed class ConnectionState(BrokerClientOptions options)
{
    private readonly long _started = options.Time.GetTimestamp();

    public Lock Gate { get; } = new();

    public BrokerClientOptions Options => options;

    public ILogger Log { get; } = ClientLog.CreateLogger(options);

    /// <summary>Since the connection began.</summary>
    public TimeSpan Now => options.Time.GetElapsedTime(_started);

    /// <summary>How the connection ended, once it has.</summary>
    public CloseInfo? CloseInfo { get; set; }

    /// <summary>The hub's bye or error, which comes before the end of the connection.</summary>
    public CloseInfo? Bye { get; set; }

    /// <summary>Called when a deadline has come or gone, so that the timer knows the next one.</summary>
    public Action TimersChanged { get; set; } = static () => { };

    public void ThrowIfEnded()
    {
        if (CloseInfo is not null) throw new ConnectionLostException(CloseInfo);
    }
}
