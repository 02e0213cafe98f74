using Broker.Actors.Access;
using Broker.Actors.Model;
using Broker.Core.Topics;

namespace Broker.Actors.Sessions;

/// <summary>What becomes of the channels that a client names as it connects.</summary>
/// <param name="Subscriptions">What the server subscribes the client to: what it was granted, and what it may have of its wishes.</param>
/// <param name="Disconnect">The connection ends with this reason; otherwise null.</param>
internal sealed record WantedChannels(IReadOnlyList<ServerSubscription> Subscriptions, DisconnectReason? Disconnect = null)
{
    /// <summary>Asks access for each channel that is not granted already.</summary>
    /// <param name="wanted">Names, each once.</param>
    /// <param name="granted">What the client has in any case.</param>
    /// <param name="principal">The client.</param>
    /// <param name="context">What sessions share.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    /// <returns>
    /// An answer that is there at once, where access answers so. What is denied is left out, a channel that nothing has configured ends the
    /// connection.
    /// </returns>
    internal static async ValueTask<WantedChannels> AskAsync(
        IReadOnlyList<string> wanted,
        IReadOnlyList<ServerSubscription> granted,
        Principal principal,
        SessionContext context,
        CancellationToken cancellationToken)
    {
        List<ServerSubscription> subscriptions = [.. granted];
        HashSet<string> known = new(granted.Select(static each => each.Channel), StringComparer.Ordinal);
        foreach (string channel in wanted)
        {
            if (known.Contains(channel)) continue;
            bool isKnown =
                ChannelName.Check(channel, context.Settings.ChannelBytesMax) is null
                    && context.Namespaces.TryResolve(channel, out _, out _);
            if (!isKnown) return new WantedChannels([], DisconnectReason.BadRequest);
            var request = new AuthorizationRequest(HubAction.Subscribe, channel, principal) { IsOfConnect = true };
            AuthorizationResult answer = await context.Access.AuthorizeAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer.Disconnect is { } reason) return new WantedChannels([], reason);
            if (!answer.IsAllowed) continue;
            if (subscriptions.Count == context.Settings.ChannelsMax) return new WantedChannels([], DisconnectReason.ChannelLimit);
            subscriptions.Add(SubscriptionOf(channel, answer.Terms));
        }

        return new WantedChannels(subscriptions);
    }

    private static ServerSubscription SubscriptionOf(string channel, SubscriptionTerms? terms)
    {
        var subscription = new ServerSubscription(channel);
        return terms is null ? subscription : subscription with
        {
            ChannelInfo = terms.ChannelInfo,
            Data = terms.Data,
            ExpiresAt = terms.ExpiresAt,
            Recoverable = terms.Recoverable,
            Positioned = terms.Positioned,
            Presence = terms.Presence,
            JoinLeave = terms.JoinLeave,
        };
    }
}
