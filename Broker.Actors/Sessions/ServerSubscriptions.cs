using Broker.Actors.Channels.Delivery;
using Akka.Actor;
using Broker.Actors.Access;
using Broker.Actors.Channels;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;

namespace Broker.Actors.Sessions;

/// <summary>
/// What the server subscribes a client to as it connects, and where each of the channels stands, for the answer to the connect.
/// </summary>
/// <remarks>
/// The positions are read before the answer and the subscriptions are made behind it, from those positions on: so the answer precedes every
/// publication of its channels, and nothing falls between the two.
/// </remarks>
internal sealed class ServerSubscriptions
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly SessionContext _context;
    private readonly (Subscription Subscription, SubscribeResult Result)[] _results;
    private readonly SubscriptionGrants[] _grants;
    private readonly StreamPosition?[] _since, _top;

    private ServerSubscriptions(SessionContext context, int count)
    {
        _context = context;
        _results = new (Subscription, SubscribeResult)[count];
        _grants = new SubscriptionGrants[count];
        _since = new StreamPosition?[count];
        _top = new StreamPosition?[count];
    }

    /// <summary>Each subscription, as the client is notified of it.</summary>
    internal IReadOnlyList<(Subscription Subscription, SubscribeResult Result)> Results => _results;

    /// <summary>Takes what is wanted.</summary>
    /// <param name="wanted">Subscriptions.</param>
    /// <param name="positions">Where the client left off.</param>
    /// <param name="session">The session.</param>
    /// <param name="writer">Of its client.</param>
    /// <param name="context">What sessions share.</param>
    internal static ServerSubscriptions Of(
        IReadOnlyList<ServerSubscription> wanted, IReadOnlyDictionary<string, StreamPosition?>? positions, IActorRef session,
            ISessionWriter writer, SessionContext context)
    {
        var all = new ServerSubscriptions(context, wanted.Count);
        for (int i = 0; i < wanted.Count; i++)
        {
            ServerSubscription each = wanted[i];
            ChannelNamespace options =
                context.Namespaces.TryResolve(each.Channel, out ChannelNamespace? found, out _) ? found
                    : context.Namespaces.WithoutNamespace;
            StreamPosition? since = positions?.GetValueOrDefault(each.Channel);
            var subscription = new Subscription(each.Channel, writer.Connection.Id.Loop, session, writer)
            {
                Options = new SubscribeOptions { IsServerSide = true, RecoverFrom = since },
                Namespace = options,
            };
            all._since[i] = since;
            all._grants[i] = SubscriptionRules.GrantsOf(subscription, TermsOf(each));
            all._results[i] = (subscription, new SubscribeResult { Data = each.Data });
        }

        return all;
    }

    /// <summary>What holds for a subscription that the server makes.</summary>
    internal static SubscriptionTerms TermsOf(ServerSubscription wanted) => new()
    {
        ExpiresAt = wanted.ExpiresAt,
        ClientRefreshes = false,
        ChannelInfo = wanted.ChannelInfo,
        Data = wanted.Data,
        Recoverable = wanted.Recoverable,
        Positioned = wanted.Positioned,
        Presence = wanted.Presence,
        JoinLeave = wanted.JoinLeave,
    };

    /// <summary>Where a channel stood; null where the client has no position in it.</summary>
    internal StreamPosition? PositionOf(string channel)
    {
        int index = Array.FindIndex(_results, each => each.Subscription.Channel == channel);
        return index < 0 ? null : _top[index];
    }

    /// <summary>Reads where the channels stand.</summary>
    /// <returns>Done when the results are complete; null where they are already.</returns>
    internal Task<bool>? ReadAsync()
    {
        int[] positioned =
            [.. Enumerable.Range(0, _grants.Length)
                .Where(i => (_grants[i] & (SubscriptionGrants.Positioned | SubscriptionGrants.Recoverable)) != 0)];
        return positioned.Length == 0 ? null : ReadAsync(positioned);
    }

    private async Task<bool> ReadAsync(int[] positioned)
    {
        HistoryPage[] pages = await Task.WhenAll(positioned.Select(ReadAsync)).ConfigureAwait(false);
        for (int i = 0; i < positioned.Length; i++) Take(positioned[i], pages[i]);
        return true;
    }

    private async Task<HistoryPage> ReadAsync(int index)
    {
        Subscription subscription = _results[index].Subscription;
        HistoryQuery query = _since[index] is { } since && (_grants[index] & SubscriptionGrants.Recoverable) != 0
            ? Recovery.QueryFor(subscription.Namespace.RecoveryMode, since, _context.History.RecoveryMax)
            : HistoryQuery.PositionOnly;
        Func<IActorRef, object> message = replyTo => new ChannelProtocol.ReadHistory(subscription.Channel, query, replyTo, Id: 0, Bytes: 0);
        object answer =
            await _context.Routes.HomeOf(subscription.Channel).Ask<object>(message, s_patience, CancellationToken.None)
                .ConfigureAwait(false);
        return answer is ChannelProtocol.HistoryRead read ? read.Page
            : throw new InvalidOperationException($"The home of {subscription.Channel} answered with {answer.GetType().Name}.");
    }

    private void Take(int index, HistoryPage page)
    {
        (Subscription subscription, SubscribeResult result) = _results[index];
        bool isRecoverable = (_grants[index] & SubscriptionGrants.Recoverable) != 0;
        RecoveryResult? recovered =
            isRecoverable && _since[index] is { } since ? Recovery.Decide(subscription.Namespace.RecoveryMode, since, page) : null;
        bool isRecovered = recovered is { IsRecovered: true };
        _top[index] = page.Top;
        _results[index] = (subscription, result with
        {
            Position = page.Top,
            Positioned = true,
            Recoverable = isRecoverable,
            WasRecovering = recovered is not null,
            Recovered = isRecovered,
            Missed = isRecovered && recovered!.Value.Publications.Count > 0 ? recovered.Value.Publications : null,
        });
    }
}
