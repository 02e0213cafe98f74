using System.Text.RegularExpressions;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile;

/// <summary>How connections ended, as the host's log tells it: one line each, and never two for one connection.</summary>
internal sealed partial class CauseCount
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _ended = [];
    private readonly Dictionary<string, int> _causes = [];
    private readonly List<string> _twice = [];
    private readonly List<(int Connections, TaskCompletionSource Reached)> _waiting = [];

    public CauseCount(HostProcess host) => host.Logged += OnLine;

    /// <summary>How many ended by a cause.</summary>
    public int this[string cause]
    {
        get
        {
            lock (_gate) return _causes.GetValueOrDefault(cause);
        }
    }

    /// <summary>Waits until so many have ended, and none of them twice.</summary>
    public async Task WaitForAsync(int connections, CancellationToken stop)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_ended.Count >= connections) reached.SetResult();
            else _waiting.Add((connections, reached));
        }

        try
        {
            await reached.Task.WaitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{connections} connections should have ended: {this}");
        }

        lock (_gate) Assert.Empty(_twice);
    }

    private void OnLine(string line)
    {
        Match match = Ended().Match(line);
        if (!match.Success) return;
        lock (_gate)
        {
            if (!_ended.Add(match.Groups[1].Value)) _twice.Add(line);
            string cause = match.Groups[2].Value;
            _causes[cause] = _causes.GetValueOrDefault(cause) + 1;
            foreach ((int connections, TaskCompletionSource reached) in _waiting)
            {
                if (_ended.Count == connections) reached.TrySetResult();
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        lock (_gate)
            return string.Join(", ", _causes.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => $"{each.Value} {each.Key}"));
    }

    [GeneratedRegex(@"(\d+\.\d+\.\d+) ended: (\w+), ")]
    private static partial Regex Ended();
}
