using Broker.Reactor.Loops;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Support;

/// <summary>A loop without sockets, whose turns the test's thread takes one by one.</summary>
internal sealed class FakeLoop(int number = 0)
    : EventLoop(number, new ReactorSettings(), new RecordingAcceptor(LoopHarness.Endpoint), new FakeTimeProvider())
{
    private readonly ManualResetEventSlim _woken = new();

    /// <summary>One turn: what was posted before it runs, and what that causes.</summary>
    public void TakeOne() => RunOnce(0);

    private protected override bool Poll(int waitMilliseconds)
    {
        if (waitMilliseconds != 0) _woken.Wait(waitMilliseconds);
        _woken.Reset();
        return false;
    }

    private protected override void Wake() => _woken.Set();
}
