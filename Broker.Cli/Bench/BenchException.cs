namespace Broker.Cli.Bench;

/// <summary>A run cannot go on; the message says why, in one line, to whom started it.</summary>
internal sealed class BenchException(string message) : Exception(message);
