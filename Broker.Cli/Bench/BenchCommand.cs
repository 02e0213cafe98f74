using System.CommandLine;
using Broker.Cli.Terminal;

namespace Broker.Cli.Bench;

/// <summary><c>broker bench</c>: sees what this machine does with a server, and whether the server does what it must.</summary>
/// <param name="streams">What it writes to.</param>
public sealed class BenchCommand(Streams streams)
{
    private const double BusyShare = 0.9;

    private readonly Argument<Uri> _url = BenchOptions.Url();
    private readonly Option<bool> _json = new("--json") { Description = "Prints one line of JSON instead of a table." };
    private readonly Option<double> _seconds = BenchOptions.Seconds("--seconds", 10, "How long is measured.");
    private readonly Option<double> _warm = BenchOptions.Seconds("--warm", 2, "How long it runs before that; not with --messages.");
    private readonly Option<int> _bytes =
        BenchOptions.Number("--bytes", 128, FanOutPlan.BytesMin, 1 << 20, "Bytes of data of each message.");
    private readonly Option<int> _connections = BenchOptions.Number("--connections", 100, 1, BenchOptions.ConnectionsMax, "Connections.");

    private readonly Option<string> _token =
        new("--token") { HelpName = "TOKEN", Description = "What connect shows.", DefaultValueFactory = _ => "" };

    private readonly Option<int> _messages = BenchOptions.Number(
        "--messages", 0, 1, int.MaxValue, "Ends after so many messages of each sender, instead of after a time; without a warm-up.");

    /// <summary>Adds it to a command.</summary>
    public void AddTo(Command root)
    {
        ArgumentNullException.ThrowIfNull(root);
        root.Add(new Command(
            "bench", "Loads a server, and checks that nothing gets lost, doubled or out of order. Ends with 0 only if nothing was; Ctrl-C "
                + "ends it early, and it prints what it has.")
        {
            MakeEcho(), MakeFanOut(), MakeIdle(),
        });
    }

    private Command MakeEcho()
    {
        Option<int> depth = BenchOptions.Number("--depth", 1, 1, 10_000, "Messages under way on each connection.");
        Option<int> bytes = BenchOptions.Number("--bytes", 128, EchoConnection.BytesMin, 1 << 20, "Bytes of each message.");
        var command =
            new Command("echo", "Messages that come back. Broker's own endpoint is ws://HOST:PORT/echo, if serve is given --echo.")
        {
            _url, _connections, bytes, depth, _messages, _seconds, _warm, _json,
        };
        DefineMeasured(command, "messages", (parsed, parts) =>
        {
            var plan = new EchoPlan(
                parsed.GetValue(_connections), parsed.GetValue(bytes), parsed.GetValue(depth), parsed.GetValue(_messages));
            return (new EchoLoad(plan, parts.Dialer, parts.Meter, parts.Control), plan.Bytes,
                [("connections", plan.Connections), ("bytes", plan.Bytes), ("depth", plan.Depth)]);
        });
        return command;
    }

    private Command MakeFanOut()
    {
        Option<int> subscribers =
            BenchOptions.Number("--subscribers", 100, 1, BenchOptions.ConnectionsMax, "Connections that listen, to one channel each.");
        Option<int> publishers = BenchOptions.Number("--publishers", 1, 1, 65_536, "Connections that publish.");
        Option<int> channels = BenchOptions.Number("--channels", 1, 1, 65_536, "Channels; at most as many as subscribers.");
        Option<int> window =
            BenchOptions.Number("--window", 16, 1, 100_000, "Publications of each publisher that may be under way to their subscribers.");
        Option<int> rate =
            BenchOptions.Number(
                "--rate", 0, 1, 10_000_000,
                    "Publications a second of all publishers, by the clock and whatever is under way. Instead of --window.");
        var command =
            new Command("fan-out", "Publications to many, by the Centrifuge JSON protocol: ws://HOST:PORT/connection/websocket of Broker.")
        {
            _url, subscribers, publishers, channels, _bytes, window, rate, _messages, _seconds, _warm, _token, _json,
        };
        command.Validators.Add(result =>
        {
            if (result.Has(window) && result.Has(rate)) result.AddError("Give either --window or --rate.");
            else if (result.ValueOrDefault(channels) > result.ValueOrDefault(subscribers))
                result.AddError("--channels is at most --subscribers: each channel is listened to.");
        });
        DefineMeasured(command, "deliveries", (parsed, parts) =>
        {
            int paced = parsed.GetValue(rate);
            var plan = new FanOutPlan(
                parsed.GetValue(subscribers), parsed.GetValue(publishers), parsed.GetValue(channels), parsed.GetValue(_bytes),
                paced > 0 ? 0 : parsed.GetValue(window), paced, parsed.GetValue(_messages));
            var load = new FanOutLoad(plan, parsed.GetValue(_token)!, parts.Dialer, parts.Meter, parts.Control);
            return (load, plan.Bytes,
                [("subscribers", plan.Subscribers), ("publishers", plan.Publishers), ("channels", plan.Channels), ("bytes", plan.Bytes),
                    paced > 0 ? ("rate", paced) : ("window", plan.Window)]);
        });
        return command;
    }

    private Command MakeIdle()
    {
        var centrifuge =
            new Option<bool>("--centrifuge") { Description = "Says connect and answers pings, as the Centrifuge JSON protocol has it." };
        var command = new Command("idle", "Opens connections and holds them: connects a second, and how many are open at the end.")
        {
            _url, _connections, centrifuge, _seconds, _token, _json,
        };
        command.SetAction(
            (parsed, stop) => RunAsync(parsed, parts => new LiveView("connects", parts.Meter, parts.Control).RunAsync(streams, async () =>
        {
            int asked = parsed.GetValue(_connections);
            await using var load =
                new IdleLoad(asked, parsed.GetValue(centrifuge) ? parsed.GetValue(_token) : null, parts.Dialer, parts.Meter, parts.Control);
            TimeSpan took = await load.OpenAsync().ConfigureAwait(false);
            TimeSpan hold = TimeSpan.FromSeconds(parsed.GetValue(_seconds));
            parts.Control.Enter(new RunPhase("holding", hold));
            await parts.Control.WaitAsync(hold).ConfigureAwait(false);
            return new BenchReport
            {
                Kind = "idle", Url = parts.Url, Unit = "connects", Took = took, Latencies = parts.Meter.Read(),
                Facts = [("connections", asked), ("opened", load.Opened), ("open at the end", parts.Meter.Open)],
                LostConnections = parts.Control.LostConnections, Failure = parts.Control.Failure, WasInterrupted =
                    parts.Control.WasInterrupted,
            };
        }), stop));
        return command;
    }

    private void DefineMeasured(
        Command command, string unit, Func<ParseResult, Parts, (ILoad Load, int Bytes, IReadOnlyList<(string, long)> Facts)> make)
    {
        command.Validators.Add(result =>
        {
            if (result.Has(_messages) && (result.Has(_seconds) || result.Has(_warm))) result.AddError("Give either --messages or a time.");
        });
        command.SetAction(
            (parsed, stop) => RunAsync(parsed, parts => new LiveView(unit, parts.Meter, parts.Control).RunAsync(streams, async () =>
        {
            (ILoad load, int bytes, IReadOnlyList<(string, long)> facts) = make(parsed, parts);
            await using ILoad ended = load;
            MeasuredRun run = parsed.GetValue(_messages) > 0
                ? new MeasuredRun(TimeSpan.Zero, Length: null)
                : new MeasuredRun(TimeSpan.FromSeconds(parsed.GetValue(_warm)), TimeSpan.FromSeconds(parsed.GetValue(_seconds)));
            Measured found = await run.RunAsync(load, parts.Meter, parts.Control).ConfigureAwait(false);
            return new BenchReport
            {
                Kind = command.Name, Url = parts.Url, Unit = unit, Facts = facts, Bytes = bytes, Took = found.Took, Latencies =
                    found.Latencies,
                Tally = found.Tally, ProcessorShare = found.ProcessorShare, LostConnections = parts.Control.LostConnections, Failure =
                    parts.Control.Failure,
                WasInterrupted = parts.Control.WasInterrupted, WasCutOff = parts.Control.WasCutOff,
            };
        }), stop));
    }

    private async Task<int> RunAsync(ParseResult parsed, Func<Parts, Task<BenchReport>> run, CancellationToken stop)
    {
        using var control = new RunControl();
        using CancellationTokenRegistration stopping = stop.Register(control.Interrupt);
        using var signals = new CommandSignals(control.Interrupt, control.Interrupt);
        var meter = new LoadMeter();
        Uri url = parsed.GetValue(_url)!;
        using var dialer = new Dialer(url, meter);
        try
        {
            BenchReport report = await run(new Parts(url, dialer, meter, control)).ConfigureAwait(false);
            if (parsed.GetValue(_json)) await streams.PrintAsync(report.ToJson(), CancellationToken.None).ConfigureAwait(false);
            else if (report.HasBegun) await streams.PrintAsync(report.ToText(), CancellationToken.None).ConfigureAwait(false);
            else
                await streams.Error.WriteLineAsync("broker: stopped while it opened its connections: nothing was measured.")
                    .ConfigureAwait(false);
            if (report.Failure is { } failure) await streams.Error.WriteLineAsync($"broker: {failure}").ConfigureAwait(false);
            if (report.ProcessorShare > BusyShare)
            {
                await streams.Error.WriteLineAsync(
                    $"broker: the generator took {100 * report.ProcessorShare:0} % of its processors, so the figures are its own more than "
                        + $"the server's: give it more, or ask for less.").ConfigureAwait(false);
            }

            return !report.IsRight ? ExitCode.Failed : report.WasInterrupted ? ExitCode.Interrupted : ExitCode.Done;
        }
        catch (BenchException failure)
        {
            await streams.Error.WriteLineAsync($"broker: {failure.Message}").ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }

    private sealed record Parts(Uri Url, Dialer Dialer, LoadMeter Meter, RunControl Control);
}
