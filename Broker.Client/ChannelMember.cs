using System.Text;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>A client that is subscribed to a channel.</summary>
/// <param name="Client">Its id.</param>
/// <param name="User">Its user; empty for an anonymous one.</param>
public sealed record ChannelMember(string Client, string User)
{
    /// <summary>What the application says about its connection; any bytes, or none.</summary>
    public ReadOnlyMemory<byte> ConnectionInfo { get; init; }

    /// <summary>What the application says about it in this channel; any bytes, or none.</summary>
    public ReadOnlyMemory<byte> ChannelInfo { get; init; }

    internal static ChannelMember Of(in Member member) => new(Encoding.UTF8.GetString(member.Client), Encoding.UTF8.GetString(member.User))
    {
        ConnectionInfo = member.ConnectionInfo.ToArray(),
        ChannelInfo = member.ChannelInfo.ToArray(),
    };
}

/// <summary>A client has joined a channel, or has left it.</summary>
/// <param name="Member">The client.</param>
/// <param name="HasJoined">Whether it joined; otherwise it left.</param>
public sealed record MemberChange(ChannelMember Member, bool HasJoined);

/// <summary>Who is subscribed to a channel.</summary>
/// <param name="Clients">How many clients.</param>
/// <param name="Users">How many distinct users; all anonymous clients are one.</param>
/// <param name="Members">The clients; empty where only the counts were asked for.</param>
public sealed record ChannelPresence(int Clients, int Users, IReadOnlyList<ChannelMember> Members);
