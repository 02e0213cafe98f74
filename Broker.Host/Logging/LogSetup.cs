using System.Globalization;
using Akka.Configuration;
using Broker.Host.Settings;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace Broker.Host.Logging;

/// <summary>Makes the process's one log. It goes to standard error; standard output says only where the hub listens.</summary>
public static class LogSetup
{
    private const string Template = "{Timestamp:yyyy-MM-ddTHH:mm:ss.fffK} {Level:u3} {SourceContext:l} {Message:lj}{NewLine}{Exception}";

    /// <summary>Makes the logger; its owner disposes of it, which writes what is held back.</summary>
    public static Logger CreateLogger(LogSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var log = new LoggerConfiguration()
            .MinimumLevel.Is(settings.Level)
            .Enrich.FromLogContext();

        // The framework tells of each request and of its own life at "information"; our own lines say what matters.
        // Why the process could not start or end is told by itself, in one line.
        if (settings.Level >= LogEventLevel.Information)
        {
            log.MinimumLevel.Override("Microsoft", AtLeastWarning(settings.Level));
            log.MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LogEventLevel.Fatal);
        }

        return settings.Format == LogFormat.Json
            ? log.WriteTo.Console(new CompactJsonFormatter(), standardErrorFromLevel: LevelAlias.Minimum).CreateLogger()
            : log.WriteTo.Console(
                outputTemplate: Template,
                formatProvider: CultureInfo.InvariantCulture,
                standardErrorFromLevel: LevelAlias.Minimum).CreateLogger();
    }

    /// <summary>Tells an actor system to log through <see cref="SerilogLogger"/>, never to standard output, and to leave its end to us.</summary>
    public static Config AkkaConfig(LogEventLevel level)
    {
        string akkaLevel = level switch
        {
            LogEventLevel.Verbose or LogEventLevel.Debug => "DEBUG",
            LogEventLevel.Information => "INFO",
            LogEventLevel.Warning => "WARNING",
            _ => "ERROR",
        };
        return ConfigurationFactory.ParseString($$"""
            akka {
              loggers = ["{{typeof(SerilogLogger).FullName}}, {{typeof(SerilogLogger).Assembly.GetName().Name}}"]
              loglevel = {{akkaLevel}}
              stdout-loglevel = OFF
              coordinated-shutdown.run-by-clr-shutdown-hook = off
            }
            """);
    }

    private static LogEventLevel AtLeastWarning(LogEventLevel level) =>
        level < LogEventLevel.Warning ? LogEventLevel.Warning : level;
}
