using System.Globalization;
using Akka.Actor;
using Akka.Cluster;
using Broker.Cluster.Transport;

namespace Broker.Cluster.Membership;

/// <summary>Turns what Akka.Cluster tells of members into <see cref="ClusterView"/>s.</summary>
internal sealed class ViewActor : UntypedActor
{
    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    internal const string StoreRole = "store-";

    private readonly Dictionary<UniqueAddress, (MemberState State, ulong Store)> _members = [];
    private readonly HashSet<UniqueAddress> _unreachable = [];
    private readonly Action<ClusterView> _changed;

    public ViewActor(Action<ClusterView> changed) => _changed = changed;

    internal static Props PropsFor(Action<ClusterView> changed) => Props.Create(() => new ViewActor(changed));

    /// <summary>A member's name.</summary>
    internal static NodeName NameOf(UniqueAddress address) => new(LinkTransport.HostPortOf(address.Address), (uint)address.Uid);

    private static MemberState StateOf(MemberStatus status) => status switch
    {
        MemberStatus.Joining or MemberStatus.WeaklyUp => MemberState.Joining,
        MemberStatus.Up => MemberState.Up,
        MemberStatus.Leaving or MemberStatus.Exiting => MemberState.Leaving,
        _ => MemberState.Down,
    };

    private static ulong StoreOf(Member member)
    {
        string role = member.Roles.FirstOrDefault(static role => role.StartsWith(StoreRole, StringComparison.Ordinal), "");
        return role.Length > StoreRole.Length
            && ulong.TryParse(role.AsSpan(StoreRole.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong store)
            ? store : 0;
    }

    protected override void PreStart() => _cluster.Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ClusterEvent.CurrentClusterState state:
                foreach (Member member in state.Members) _members[member.UniqueAddress] = (StateOf(member.Status), StoreOf(member));
                _unreachable.UnionWith(state.Unreachable.Select(static member => member.UniqueAddress));
                break;
            case ClusterEvent.MemberRemoved removed:
                _members.Remove(removed.Member.UniqueAddress);
                _unreachable.Remove(removed.Member.UniqueAddress);
                break;
            case ClusterEvent.IMemberEvent changed:
                _members[changed.Member.UniqueAddress] = (StateOf(changed.Member.Status), StoreOf(changed.Member));
                break;
            case ClusterEvent.UnreachableMember lost:
                _unreachable.Add(lost.Member.UniqueAddress);
                break;
            case ClusterEvent.ReachableMember found:
                _unreachable.Remove(found.Member.UniqueAddress);
                break;
            default:
                return;
        }

        _changed(new ClusterView(NameOf(_cluster.SelfUniqueAddress),
        [
            .. _members
                .Select(pair => new ClusterMember(NameOf(pair.Key), pair.Value.State, !_unreachable.Contains(pair.Key))
                { Store = pair.Value.Store })
                .OrderBy(static member => member.Node.Address, StringComparer.Ordinal)
                .ThenBy(static member => member.Node.Uid),
        ]));
    }
}
