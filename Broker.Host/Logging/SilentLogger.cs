using Akka.Event;

namespace Broker.Host.Logging;

/// <summary>
/// Stands in for Akka's logger on standard output, which it uses at the end of a system whatever <c>stdout-loglevel</c> says.
/// </summary>
/// <remarks>
/// Standard output says where the hub listens, and nothing else; what is logged goes through <see cref="SerilogLogger"/>.
/// </remarks>
public sealed class SilentLogger : MinimalLogger
{
    /// <inheritdoc />
    protected override void Log(object message)
    {
    }
}
