namespace Broker.Bench.Load;

/// <summary>A server or a generator did not do its part; the message says which and how.</summary>
internal sealed class LoadException(string message) : Exception(message);
