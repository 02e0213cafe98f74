namespace Broker.Reactor.Loops;

/// <summary>An event loop without system calls: its connections are carried by others, and it waits for what they post.</summary>
public sealed class PortableLoop : EventLoop
{
    private readonly ManualResetEventSlim _wake = new(initialState: false, spinCount: 10);

    /// <summary>Makes a loop; nothing runs until <see cref="EventLoop.Run"/> or <see cref="EventLoop.RunOnce"/>.</summary>
    public PortableLoop(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
        : base(number, settings, acceptor, time)
    {
    }

    // What is posted between the wait and the reset is run in this same turn; a wake that comes late ends one later wait.
    private protected override bool Poll(int waitMilliseconds)
    {
        if (waitMilliseconds == 0) return false;
        bool woken = _wake.Wait(waitMilliseconds);
        _wake.Reset();
        NoteTime();
        return woken;
    }

    private protected override void Wake() => _wake.Set();

    /// <inheritdoc />
    public override void Dispose()
    {
        base.Dispose();
        _wake.Dispose();
    }
}
