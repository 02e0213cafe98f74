using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Namespaces;

/// <summary>All namespaces of a hub, and which one a channel is in. Never changed.</summary>
/// <remarks>
/// The namespace of <c>chat:room</c> is <c>chat</c>: what stands before the first colon. A name without a colon is in none, which has
/// options of its own; so is every name while no namespace is configured at all.
/// </remarks>
public sealed class ChannelNamespaces
{
    private const char NamespaceBoundary = ':', UserBoundary = '#', UserSeparator = ',';

    private readonly FrozenDictionary<string, ChannelNamespace> _named;
    private readonly FrozenDictionary<string, ChannelNamespace>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    /// <summary>Takes the namespaces.</summary>
    /// <param name="none">Options of channels without a namespace.</param>
    /// <param name="named">The namespaces, by their names.</param>
    public ChannelNamespaces(ChannelNamespace none, IEnumerable<ChannelNamespace> named)
    {
        WithoutNamespace = none;
        _named = named.ToFrozenDictionary(static each => each.Name, StringComparer.Ordinal);
        _lookup = _named.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>A hub without namespaces, whose channels keep nothing and are open to all.</summary>
    public static ChannelNamespaces Default { get; } = new(new ChannelNamespace(), []);

    /// <summary>Options of channels without a namespace.</summary>
    public ChannelNamespace WithoutNamespace { get; }

    /// <summary>The namespaces.</summary>
    public IReadOnlyCollection<ChannelNamespace> Named => _named.Values;

    /// <summary>Whether any channel keeps something that expires.</summary>
    public bool KeepAnything => WithoutNamespace.IsKept || _named.Values.Any(static each => each.IsKept);

    /// <summary>Finds the namespace of a channel.</summary>
    /// <param name="channel">A name that is well-formed; see <see cref="Core.Topics.ChannelName"/>.</param>
    /// <param name="found">The namespace.</param>
    /// <param name="error">Otherwise: 102 if it is not configured, 107 if the name does not match its pattern.</param>
    public bool TryResolve(string channel, [NotNullWhen(true)] out ChannelNamespace? found, out HubError error)
    {
        ArgumentNullException.ThrowIfNull(channel);
        error = default;
        int boundary = _named.Count == 0 ? -1 : channel.IndexOf(NamespaceBoundary, StringComparison.Ordinal);
        if (boundary < 0)
        {
            found = WithoutNamespace;
        }
        else if (!_lookup.TryGetValue(channel.AsSpan(0, boundary), out found))
        {
            error = HubError.UnknownChannel;
            return false;
        }

        if (found.Pattern is null || found.Pattern.IsMatch(channel.AsSpan(boundary + 1))) return true;
        error = HubError.BadRequest;
        found = null;
        return false;
    }

    /// <summary>Whether a channel is limited to users that its name gives.</summary>
    /// <param name="channel">Its name.</param>
    /// <param name="options">Its namespace.</param>
    public static bool IsUserLimited(string channel, ChannelNamespace options)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(options);
        return options.UserLimited && channel.Contains(UserBoundary, StringComparison.Ordinal);
    }

    /// <summary>Whether a channel that is limited to users names this one: <c>news#42</c>, <c>dialog#42,43</c>. Compared exactly.</summary>
    /// <param name="channel">A name with a <c>#</c>; the part behind the last one counts.</param>
    /// <param name="user">The user; an anonymous one, who has an empty name, matches an empty part.</param>
    public static bool NamesUser(string channel, string user)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ReadOnlySpan<char> users = channel.AsSpan(channel.LastIndexOf(UserBoundary) + 1);
        foreach (Range part in users.Split(UserSeparator))
        {
            if (users[part].SequenceEqual(user)) return true;
        }

        return false;
    }
}
