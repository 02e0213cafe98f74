using Microsoft.Extensions.Logging;

namespace Broker.Identity.Access;

/// <summary>Lines of the log about identity.</summary>
internal static partial class IdentityLog
{
    [LoggerMessage(1, LogLevel.Debug, "The {Kind} token of client {Client} from {Remote} is refused: {Reason}")]
    internal static partial void Refused(ILogger log, string kind, string client, string remote, string reason);

    [LoggerMessage(2, LogLevel.Error, "A connection whose token is revoked could not be ended")]
    internal static partial void DisconnectFailed(ILogger log, Exception failure);
}
