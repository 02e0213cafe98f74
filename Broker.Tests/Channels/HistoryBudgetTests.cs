using Broker.Actors.Api;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Dialects;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Channels;

/// <summary>When the hub says that its histories are full: not while it can shed.</summary>
public sealed class HistoryBudgetTests
{
    [Fact]
    public void Histories_are_full_when_nothing_more_can_be_shed()
    {
        using var hub = new HubHarness(new StandardSettings
        {
            Channels = new ChannelNamespace { History = new HistoryOptions { Size = 10, Ttl = TimeSpan.FromMinutes(1) } },
            History = new HistorySettings { BytesMax = 20_000 },
        });
        for (int i = 0; i < 10; i++) Publish(hub, $"c{i}", 5000);
        Assert.False(hub.Channels.IsHistoryFull);

        Publish(hub, "large", 40_000);        // One alone stays, whatever it holds.
        Assert.True(hub.Channels.IsHistoryFull);

        hub.Await(hub.Api.RemoveHistoryAsync("large"));
        Assert.False(hub.Channels.IsHistoryFull);
    }

    private static void Publish(HubHarness hub, string channel, int bytes) =>
        hub.Answer(hub.Api.PublishAsync(channel, new PublishRequest(new byte[bytes])));
}
