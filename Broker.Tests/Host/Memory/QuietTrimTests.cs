using Broker.Host.Memory;
using Microsoft.Extensions.Time.Testing;
using Serilog.Core;
using Xunit;

namespace Broker.Tests.Host.Memory;

/// <summary>When memory is returned, with the clock moved by hand.</summary>
public sealed class QuietTrimTests : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly QuietTrim _trim;
    private UsedSoFar _used;
    private int _trimmed;

    public QuietTrimTests() => _trim = new QuietTrim(s_interval, _time, () => _used, () => _trimmed++, Logger.None);

    public void Dispose() => _trim.Dispose();

    private async Task Start() => await _trim.StartAsync(CancellationToken.None);

    // An interval in which so much of one processor was used, and so many bytes were allocated.
    private void Pass(double share, long bytes = 0)
    {
        _used = new UsedSoFar(_used.Processor + s_interval * share, _used.AllocatedBytes + bytes);
        _time.Advance(s_interval);
    }

    [Fact]
    public async Task Memory_is_given_back_once_after_a_burst_and_not_before_it_is_quiet()
    {
        await Start();

        Pass(share: 0.9, bytes: 90_000_000);
        Pass(share: 0.1);
        Assert.Equal(0, _trimmed);

        Pass(share: 0.01);
        Assert.Equal(1, _trimmed);

        Pass(share: 0.01, bytes: 1_000_000);
        Pass(share: 0);
        Assert.Equal(1, _trimmed);
    }

    [Fact]
    public async Task Each_burst_counts_anew()
    {
        await Start();
        Pass(share: 0.01, bytes: TrimRule.WorthBytes);
        Pass(share: 0.5, bytes: TrimRule.WorthBytes);

        Pass(share: 0);

        Assert.Equal(2, _trimmed);
    }

    [Fact]
    public async Task Under_load_that_allocates_it_is_never_done()
    {
        await Start();

        for (int i = 0; i < 100; i++) Pass(share: 0.03, bytes: TrimRule.WorthBytes);

        Assert.Equal(0, _trimmed);
    }

    [Fact]
    public async Task A_little_garbage_triggers_no_collection()
    {
        await Start();

        Pass(share: 0, bytes: TrimRule.WorthBytes - 1);
        Assert.Equal(0, _trimmed);

        Pass(share: 0, bytes: 1);
        Assert.Equal(1, _trimmed);
    }

    [Fact]
    public async Task After_the_stop_nothing_is_done()
    {
        await Start();

        await _trim.StopAsync(CancellationToken.None);
        Pass(share: 0, bytes: TrimRule.WorthBytes);

        Assert.Equal(0, _trimmed);
    }
}
