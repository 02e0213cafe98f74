using System.Runtime.InteropServices;
using Broker.Cli.Terminal;

namespace Broker.Tests.Cli.Terminal;

public sealed class CommandSignalsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_signal_behind_those_that_the_command_answers_ends_the_process(int answered)
    {
        var seen = new List<string>();
        Action[] answers = [.. Enumerable.Range(1, answered).Select<int, Action>(i => () => seen.Add($"answer {i}"))];
        using var signals = new CommandSignals(code => seen.Add($"exit {code}"), answers);

        for (int i = 0; i <= answered; i++)
        {
            var signal = new PosixSignalContext(i % 2 == 0 ? PosixSignal.SIGINT : PosixSignal.SIGTERM);
            signals.Handle(signal);
            Assert.True(signal.Cancel);
        }

        Assert.Equal([.. Enumerable.Range(1, answered).Select(i => $"answer {i}"), "exit 130"], seen);
    }
}
