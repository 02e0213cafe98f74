using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Serilog.Events;
using AkkaLogEvent = Akka.Event.LogEvent;
using AkkaLogLevel = Akka.Event.LogLevel;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Logging;

/// <summary>Carries what Akka logs into the process's Serilog logger, with its source and its cause.</summary>
public sealed class SerilogLogger : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    /// <summary>Made by the actor system, which <c>akka.loggers</c> tells to; writes to <c>Serilog.Log.Logger</c>.</summary>
    public SerilogLogger()
        : this(Serilog.Log.Logger)
    {
    }

    /// <summary>Writes to a given logger.</summary>
    public SerilogLogger(ILogger log)
    {
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
        Receive<AkkaLogEvent>(sent => Write(log, sent));
    }

    /// <summary>Akka's level as Serilog has it.</summary>
    public static LogEventLevel LevelOf(AkkaLogLevel level) => level switch
    {
        AkkaLogLevel.DebugLevel => LogEventLevel.Debug,
        AkkaLogLevel.InfoLevel => LogEventLevel.Information,
        AkkaLogLevel.WarningLevel => LogEventLevel.Warning,
        _ => LogEventLevel.Error,
    };

    // The message is one property and never a template: braces in what an actor says are not ours to fill in.
    private static void Write(ILogger log, AkkaLogEvent sent) =>
        log.ForContext("SourceContext", sent.LogClass?.FullName)
            .ForContext("ActorPath", sent.LogSource)
            .Write(LevelOf(sent.LogLevel()), sent.Cause, "{AkkaMessage:l}", sent.Message?.ToString());
}
