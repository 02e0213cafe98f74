using Akka.Actor;
using Akka.Event;

namespace Broker.Actors.Runtime;

/// <summary>
/// Logs by the level that its actor system has now. Akka's own adapters keep the level of the moment in which they were made.
/// </summary>
/// <remarks>For all threads.</remarks>
internal sealed class LiveLog : LoggingAdapterBase
{
    private readonly LoggingBus _bus;
    private readonly string _source;
    private readonly Type _class;

    private LiveLog(BusLogging made)
        : base(made.Formatter)
    {
        _bus = made.Bus;
        _source = made.LogSource;
        _class = made.LogClass;
    }

    /// <summary>The log of a class.</summary>
    internal static ILoggingAdapter Of(ActorSystem system, Type type) => Of(Logging.GetLogger(system, type));

    /// <summary>The log of an actor.</summary>
    internal static ILoggingAdapter Of(IActorContext context) => Of(context.GetLogger());

    /// <inheritdoc />
    public override bool IsDebugEnabled => _bus.LogLevel <= LogLevel.DebugLevel;

    /// <inheritdoc />
    public override bool IsInfoEnabled => _bus.LogLevel <= LogLevel.InfoLevel;

    /// <inheritdoc />
    public override bool IsWarningEnabled => _bus.LogLevel <= LogLevel.WarningLevel;

    /// <inheritdoc />
    public override bool IsErrorEnabled => _bus.LogLevel <= LogLevel.ErrorLevel;

    /// <inheritdoc />
    protected override void NotifyLog(LogLevel logLevel, object message, Exception? cause = null) => _bus.Publish((LogEvent)(logLevel switch
    {
        LogLevel.DebugLevel => new Debug(cause, _source, _class, message),
        LogLevel.InfoLevel => new Info(cause, _source, _class, message),
        LogLevel.WarningLevel => new Warning(cause, _source, _class, message),
        _ => new Error(cause, _source, _class, message),
    }));

    private static ILoggingAdapter Of(ILoggingAdapter made) => made is BusLogging bus ? new LiveLog(bus) : made;
}
