using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.TestKit.Xunit2;
using Broker.Host.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using AkkaLogEvent = Akka.Event.LogEvent;
using SerilogEvent = Serilog.Events.LogEvent;

namespace Broker.Tests.Host;

[Collection("The process's one log")]
public class SerilogLoggerTests : TestKit
{
    [Fact]
    public async Task It_says_that_it_is_ready()
    {
        IActorRef logger = Sys.ActorOf(Props.Create(() => new SerilogLogger(Logger.None)));

        logger.Tell(new InitializeLogger(Sys.EventStream), TestActor);

        await ExpectMsgAsync<LoggerInitialized>();
    }

    [Fact]
    public void Each_level_arrives_with_source_cause_and_its_words_unchanged()
    {
        var heard = new Heard();
        using Logger log = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(heard).CreateLogger();
        IActorRef logger = Sys.ActorOf(Props.Create(() => new SerilogLogger(log)));
        var cause = new InvalidOperationException("why");
        AkkaLogEvent[] said =
        [
            new Debug("akka://a/b", typeof(string), "a {brace}"),
            new Info("akka://a/b", typeof(string), "two"),
            new Warning(cause, "akka://a/b", typeof(string), "three"),
            new Error(cause, "akka://a/b", typeof(string), "four"),
        ];

        foreach (AkkaLogEvent each in said) logger.Tell(each);

        SerilogEvent[] events = [.. said.Select(_ => heard.Next())];
        Assert.Equal(
            [LogEventLevel.Debug, LogEventLevel.Information, LogEventLevel.Warning, LogEventLevel.Error],
            events.Select(each => each.Level));
        Assert.Equal(["a {brace}", "two", "three", "four"], events.Select(each => each.RenderMessage(null)));
        Assert.Equal([null, null, cause, cause], events.Select(each => each.Exception));
        Assert.All(events, each => Assert.Equal("\"akka://a/b\"", each.Properties["ActorPath"].ToString()));
        Assert.All(events, each => Assert.Equal("\"System.String\"", each.Properties["SourceContext"].ToString()));
    }

    [Fact]
    public async Task An_actor_system_logs_through_it_by_configuration()
    {
        var heard = new Heard();
        Serilog.ILogger before = Serilog.Log.Logger;
        Serilog.Log.Logger = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(heard).CreateLogger();
        try
        {
            Config config = LogSetup.AkkaConfig(LogEventLevel.Warning);
            using var system = ActorSystem.Create("logs", config);

            system.Log.Info("not this");
            system.Log.Warning("this {0}", "one");

            Assert.Equal("this one", heard.Next().RenderMessage(null));
            await system.Terminate();
        }
        finally
        {
            Serilog.Log.Logger = before;
        }
    }

    private sealed class Heard : ILogEventSink
    {
        private readonly System.Collections.Concurrent.BlockingCollection<SerilogEvent> _events = [];

        public void Emit(SerilogEvent logEvent) => _events.Add(logEvent);

        public SerilogEvent Next() =>
            _events.TryTake(out SerilogEvent? next, TimeSpan.FromSeconds(5)) ? next : throw new TimeoutException("Nothing was logged.");
    }
}
