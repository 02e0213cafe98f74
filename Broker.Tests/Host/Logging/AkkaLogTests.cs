using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Broker.Host.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using SerilogEvent = Serilog.Events.LogEvent;

namespace Broker.Tests.Host.Logging;

/// <summary>
/// What actors log reaches the process's one log: with its source and cause, its words unchanged, and at the level that is set.
/// </summary>
[Collection("The process's one log")]
public sealed class AkkaLogTests : IDisposable
{
    private readonly Received _received = new();
    private readonly Serilog.ILogger _before = Serilog.Log.Logger;

    public AkkaLogTests() => Serilog.Log.Logger = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(_received).CreateLogger();

    public void Dispose() => Serilog.Log.Logger = _before;

    [Fact]
    public async Task Each_level_arrives_with_source_cause_and_its_words_unchanged()
    {
        ActorSystem system = ActorSystem.Create("logs", LogSetup.AkkaConfig(new LogSettings { Level = LogEventLevel.Debug }));
        ILoggingAdapter log = Akka.Event.Logging.GetLogger(system, typeof(AkkaLogTests));
        var cause = new InvalidOperationException("why");

        log.Debug("said {0} and {1}", "a {brace}", 7);
        log.Info("a {brace}");
        log.Warning("three");
        log.Error(cause, "four");

        SerilogEvent[] events = [.. Enumerable.Range(0, 4).Select(_ => _received.Next(typeof(AkkaLogTests).FullName!))];
        Assert.Equal(
            [LogEventLevel.Debug, LogEventLevel.Information, LogEventLevel.Warning, LogEventLevel.Error],
                events.Select(each => each.Level));
        Assert.Equal(["said a {brace} and 7", "a {brace}", "three", "four"], events.Select(Words));
        Assert.Same(cause, events[3].Exception);
        await system.Terminate();
    }

    [Fact]
    public async Task The_level_of_a_running_system_can_be_changed()
    {
        ActorSystem system = ActorSystem.Create("logs", LogSetup.AkkaConfig(new LogSettings { Level = LogEventLevel.Warning }));
        ILoggingAdapter log = Akka.Event.Logging.GetLogger(system, typeof(AkkaLogTests));

        log.Info("not this");
        log.Warning("this {0}", "one");
        Assert.Equal("this one", Words(_received.Next(typeof(AkkaLogTests).FullName!)));

        system.EventStream.SetLogLevel(LogLevel.DebugLevel);
        log = Akka.Event.Logging.GetLogger(system, typeof(AkkaLogTests));
        log.Debug("that too");
        Assert.Equal("that too", Words(_received.Next(typeof(AkkaLogTests).FullName!)));
        Assert.True(log.IsDebugEnabled);
        await system.Terminate();
    }

    // As the text of the log has them: strings without quotation marks.
    private static string Words(SerilogEvent sent)
    {
        using var text = new StringWriter();
        new Serilog.Formatting.Display.MessageTemplateTextFormatter("{Message:lj}").Format(sent, text);
        return text.ToString();
    }

    private sealed class Received : ILogEventSink
    {
        private readonly BlockingCollection<SerilogEvent> _events = [];

        public void Emit(SerilogEvent logEvent) => _events.Add(logEvent);

        /// <summary>The next event of a source.</summary>
        public SerilogEvent Next(string source)
        {
            while (_events.TryTake(out SerilogEvent? next, TimeSpan.FromSeconds(60)))
            {
                if (next.Properties.GetValueOrDefault("SourceContext") is ScalarValue { Value: string name } && name == source) return next;
            }

            throw new TimeoutException("Nothing was logged.");
        }
    }
}
