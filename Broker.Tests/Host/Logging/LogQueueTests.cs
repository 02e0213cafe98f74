using System.Text;
using System.Text.Json;
using Broker.Host.Logging;
using Serilog.Events;

namespace Broker.Tests.Host.Logging;

public class LogQueueTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_stalled_reader_blocks_no_other_and_its_losses_are_counted()
    {
        using var reader = new StallingReader();
        var queue = new LogQueue(reader, bytesMax: 1000, count => Encoding.UTF8.GetBytes($"dropped {count}\n"));
        byte[] line = Encoding.UTF8.GetBytes(new string('x', 99) + "\n");
        queue.Add(line);
        await reader.Stalled.Task.WaitAsync(s_patience);

        // One is being written, nine more wait, and all the others are dropped: memory is bounded by what was allowed.
        for (int i = 0; i < 10_000; i++) queue.Add(line);
        Assert.Equal(10_000 - 9, queue.Dropped);

        reader.Resume();
        await reader.WaitForWritesAsync(11).WaitAsync(s_patience);
        queue.Dispose();
        string[] lines = reader.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(11, lines.Length);
        Assert.Equal("dropped 9991", Assert.Single(lines, text => text.StartsWith("dropped", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_end_does_not_wait_for_a_reader_that_stalls_for_good()
    {
        using var reader = new StallingReader();
        var queue = new LogQueue(reader, bytesMax: 1000, _ => []);
        queue.Add([1]);
        await reader.Stalled.Task.WaitAsync(s_patience);

        await Task.Run(queue.Dispose).WaitAsync(s_patience);
    }

    [Fact]
    public void A_closed_reader_does_not_fail_logging()
    {
        var gone = new MemoryStream();
        gone.Dispose();
        var queue = new LogQueue(gone, bytesMax: 1000, _ => []);

        queue.Add([1]);
        queue.Dispose();

        Assert.Equal(1, queue.Dropped);
    }

    [Theory, InlineData(LogFormat.Text), InlineData(LogFormat.Json)]
    public void A_log_event_is_one_line_of_visible_characters(LogFormat format)
    {
        const string Sent = "bye\n2026-01-01T00:00:00.000Z FTL Broker  forged\r\u001b[2J\u009b31m\u2028\u0085\u202e";
        using var output = new MemoryStream();
        using (HostLog log = LogSetup.Create(new LogSettings { Format = format }, output))
        {
            log.Logger.Information("{Client} ended: {Reason:l}", Sent, Sent);
            log.Logger.Information("{AkkaMessage:l}", Sent);
            log.Logger.ForContext("SourceContext", Sent).Information("three");
        }

        string text = Encoding.UTF8.GetString(output.ToArray());
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.DoesNotContain(line, letter => char.IsControl(letter) || letter is '\u2028' or '\u202e'));
        Assert.All(lines, line => Assert.Contains("forged\\", line, StringComparison.Ordinal));
        if (format == LogFormat.Json) Assert.Equal(Sent, JsonDocument.Parse(lines[0]).RootElement.GetProperty("Reason").GetString());
    }

    [Fact]
    public void The_lines_of_an_exception_are_set_in_and_visible()
    {
        using var output = new MemoryStream();
        using (HostLog log = LogSetup.Create(new LogSettings(), output))
            log.Logger.Error(new InvalidOperationException("a\n2026-01-01 forged\u001b[0m"), "It failed");

        string[] lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.EndsWith("It failed", lines[0], StringComparison.Ordinal);
        Assert.All(lines[1..], line => Assert.StartsWith("    ", line, StringComparison.Ordinal));
        Assert.Equal("    2026-01-01 forged\\u001b[0m", lines[2]);
    }

    [Fact]
    public void A_source_has_a_level_of_its_own_which_a_reload_changes()
    {
        var settings =
            new LogSettings { Level = LogEventLevel.Warning, Levels = new Dictionary<string,
                LogEventLevel> { ["Broker.Actors"] = LogEventLevel.Debug } };
        using var output = new MemoryStream();
        using (HostLog log = LogSetup.Create(settings, output))
        {
            Write(log, "first");
            log.Levels.Apply(settings with { Levels = new Dictionary<string, LogEventLevel>(), Level = LogEventLevel.Information });
            Write(log, "second");
        }

        string text = Encoding.UTF8.GetString(output.ToArray());
        string[] written =
            [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line[(line.IndexOf("said ", StringComparison.Ordinal) + 5)..])];
        Assert.Equal(["first Broker.Actors Debug", "first Broker.Actors.Hub Debug"], written[..2]);
        Assert.Equal(
            ["second Broker.Actors Information", "second Broker.Actors.Hub Information", "second Broker.ActorsOther Information",
                "second Else Information"], written[2..]);

        static void Write(HostLog log, string when)
        {
            foreach (LogEventLevel level in (LogEventLevel[])[LogEventLevel.Debug, LogEventLevel.Information])
            {
                foreach (string source in (string[])["Broker.Actors", "Broker.Actors.Hub", "Broker.ActorsOther", "Else"])
                {
                    if (when == "first" && level == LogEventLevel.Information
                        && source.StartsWith("Broker.Actors", StringComparison.Ordinal)) continue;
                    log.Logger.ForContext("SourceContext", source)
                        .Write(level, "said {When:l} {Source:l} {Level}", when, source, level.ToString());
                }
            }
        }
    }

    [Theory]
    [InlineData("Broker.Actors = debug", true)]
    [InlineData("Akka=WARN", true)]
    [InlineData("Akka = trace", true)]
    [InlineData("Akka", false)]
    [InlineData("= debug", false)]
    [InlineData("Akka = loud", false)]
    [InlineData("Akka = 1", false)]
    [InlineData("A kka = info", false)]
    public void A_level_of_a_source_is_read_or_refused(string text, bool isGood) =>
        Assert.Equal(isGood, LogLevels.TryReadSource(text, out _));

    private sealed class StallingReader : MemoryStream
    {
        private readonly ManualResetEventSlim _go = new();
        private readonly SemaphoreSlim _written = new(0);

        public TaskCompletionSource Stalled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Text => Encoding.UTF8.GetString(ToArray());

        public void Resume() => _go.Set();

        public async Task WaitForWritesAsync(int count)
        {
            for (int i = 0; i < count; i++) await _written.WaitAsync();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Stalled.TrySetResult();
            _go.Wait();
            base.Write(buffer);
            _written.Release();
        }

        protected override void Dispose(bool disposing)
        {
            _go.Set();
            base.Dispose(disposing);
        }
    }
}
