using System.Globalization;
using System.Text;
using Akka.Configuration;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Compact;
using Serilog.Formatting.Display;
using Serilog.Parsing;
using AkkaLogLevel = Akka.Event.LogLevel;

namespace Broker.Host.Logging;

/// <summary>Makes the process's one log. It goes to standard error; standard output says only where the hub listens.</summary>
public static class LogSetup
{
    private const string Template = "{Timestamp:yyyy-MM-ddTHH:mm:ss.fffK} {Level:u3} {SourceContext:l} {Message:lj}{NewLine}";

    private static readonly MessageTemplate s_dropped =
        new MessageTemplateParser().Parse("{Count} events of the log were dropped, because its reader was too slow");

    /// <summary>Makes the log on standard error.</summary>
    internal static HostLog Create(LogSettings settings) => Create(settings, Console.OpenStandardError());

    /// <summary>Makes the log on any stream; its owner disposes of it, which writes what is held back.</summary>
    /// <param name="settings">What is written, and how.</param>
    /// <param name="output">Where to; a write may block for ever.</param>
    internal static HostLog Create(LogSettings settings, Stream output)
    {
        ArgumentNullException.ThrowIfNull(settings);
        bool isJson = settings.Format == LogFormat.Json;
        ITextFormatter formatter =
            isJson ? new CompactJsonFormatter() : new MessageTemplateTextFormatter(Template, CultureInfo.InvariantCulture);
        var queue = new LogQueue(output, settings.QueueBytesMax, count => DescribeDropped(formatter, count));
        var levels = new LevelTable(settings);
        Logger logger = new LoggerConfiguration()
            .MinimumLevel.ControlledBy(levels.Lowest)
            .Enrich.FromLogContext()
            .Filter.ByIncludingOnly(levels.Takes)
            .WriteTo.Sink(new QueuedSink(formatter, writesExceptions: !isJson, queue))
            .CreateLogger();
        return new HostLog(logger, levels, queue);
    }

    /// <summary>
    /// Tells an actor system to log through <see cref="SerilogLogger"/>, never to standard output, and to leave its end to us.
    /// </summary>
    public static Config AkkaConfig(LogSettings settings) => ConfigurationFactory.ParseString($$"""
        akka {
          loggers = ["{{typeof(SerilogLogger).FullName}}, {{typeof(SerilogLogger).Assembly.GetName().Name}}"]
          loglevel = {{AkkaName(AkkaLevelOf(settings))}}
          stdout-loglevel = OFF
          stdout-logger-class = "{{typeof(SilentLogger).FullName}}, {{typeof(SilentLogger).Assembly.GetName().Name}}"
          log-config-on-start = off
          coordinated-shutdown.run-by-clr-shutdown-hook = off
        }
        """);

    /// <summary>The level that an actor system needs, so that everything that is written gets here.</summary>
    public static AkkaLogLevel AkkaLevelOf(LogSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new LevelTable(settings).Lowest.MinimumLevel switch
        {
            LogEventLevel.Verbose or LogEventLevel.Debug => AkkaLogLevel.DebugLevel,
            LogEventLevel.Information => AkkaLogLevel.InfoLevel,
            LogEventLevel.Warning => AkkaLogLevel.WarningLevel,
            _ => AkkaLogLevel.ErrorLevel,
        };
    }

    private static string AkkaName(AkkaLogLevel level) => level switch
    {
        AkkaLogLevel.DebugLevel => "DEBUG",
        AkkaLogLevel.InfoLevel => "INFO",
        AkkaLogLevel.WarningLevel => "WARNING",
        _ => "ERROR",
    };

    private static byte[] DescribeDropped(ITextFormatter formatter, long count)
    {
        using var text = new StringWriter { NewLine = "\n" };
        formatter.Format(
            new LogEvent(
                DateTimeOffset.Now, LogEventLevel.Warning, exception: null, s_dropped,
                    [new LogEventProperty("Count", new ScalarValue(count))]), text);
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
