using Broker.Identity.Backend;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Identity;

/// <summary>When a backend that fails is left alone, and when it is tried again.</summary>
public sealed class CircuitTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _time = new();
    private readonly Circuit _circuit;

    public CircuitTests() => _circuit = new Circuit(3, Pause, _time);

    [Fact]
    public void Opens_after_failures_in_a_row()
    {
        Assert.False(_circuit.Fail());
        Assert.False(_circuit.Fail());
        Assert.False(_circuit.Succeed());
        Assert.False(_circuit.Fail());
        Assert.False(_circuit.Fail());
        Assert.True(_circuit.TryEnter());
        Assert.True(_circuit.Fail());
        Assert.False(_circuit.TryEnter());
    }

    [Fact]
    public void Lets_one_caller_try_after_the_pause()
    {
        Open();
        _time.Advance(Pause);
        Assert.True(_circuit.TryEnter());
        Assert.False(_circuit.TryEnter());
        Assert.True(_circuit.Succeed());
        Assert.True(_circuit.TryEnter());
        Assert.True(_circuit.TryEnter());
    }

    [Fact]
    public void Pauses_again_after_a_failed_trial()
    {
        Open();
        _time.Advance(Pause);
        Assert.True(_circuit.TryEnter());
        Assert.False(_circuit.Fail());
        Assert.False(_circuit.TryEnter());
        _time.Advance(Pause);
        Assert.True(_circuit.TryEnter());
    }

    [Fact]
    public void An_abandoned_trial_decides_nothing()
    {
        Open();
        _time.Advance(Pause);
        Assert.True(_circuit.TryEnter());
        _circuit.GiveUp();
        Assert.True(_circuit.TryEnter());
    }

    [Fact]
    public void Never_opens_without_a_bound()
    {
        var circuit = new Circuit(0, Pause, _time);
        for (int i = 0; i < 100; i++) Assert.False(circuit.Fail());
        Assert.True(circuit.TryEnter());
    }

    private void Open()
    {
        for (int i = 0; i < 3; i++) _circuit.Fail();
        Assert.True(_circuit.IsOpen);
    }
}
