using Broker.Actors.Calls;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Limits;
using Broker.Actors.Model;

namespace Broker.Actors.Sessions;

/// <summary>What most sessions never need, each from its first use on: an idle client holds no room for it.</summary>
internal sealed class SessionExtras
{
    /// <summary>Answers of access that did not come at once.</summary>
    internal AccessQueue? Access { get; set; }

    /// <summary>Dates of a connection, or of a subscription, that expires.</summary>
    internal SessionExpiry? Expiry { get; set; }

    /// <summary>The upgrade request, where access is given it; null again from connect on.</summary>
    internal UpgradeInfo? Upgrade { get; set; }

    /// <summary>The client as its publications carry it.</summary>
    internal ClientInfo? Info { get; set; }

    /// <summary>Items of calls on their way to the client.</summary>
    internal SentItems? SentItems { get; set; }

    /// <summary>The client's rates of publishing, by namespace.</summary>
    internal Dictionary<ChannelNamespace, TokenBucket>? PublishRates { get; set; }
}
