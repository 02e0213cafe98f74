using System.Text.Json;
using System.Text.Json.Serialization;
using Broker.Actors.Access;
using Broker.Actors.Api;
using Broker.Actors.Model;
using Broker.Actors.Sessions;

namespace Broker.Cluster.Calls;

/// <summary>What one node asks all others to do for their own clients.</summary>
internal sealed record NodeCommand
{
    public required string Method { get; init; }

    public string User { get; init; } = "";

    public string? Client { get; init; }

    public IReadOnlyList<string> Except { get; init; } = [];

    public string Channel { get; init; } = "";

    public string? Pattern { get; init; }

    public CommandReason? Reason { get; init; }

    public CommandSubscription? Subscription { get; init; }

    public ulong? SinceEpoch { get; init; }

    public ulong SinceOffset { get; init; }

    public ulong? Offset { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public bool HasExpired { get; init; }

    public byte[]? ConnectionInfo { get; init; }

    internal UserConnections Target => new(User, Client);

    internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CommandJson.Default.NodeCommand);
}

/// <summary>A reason to disconnect.</summary>
internal sealed record CommandReason(byte Kind, string Text, bool Reconnects, int ApplicationCode, int DialectCode)
{
    internal static CommandReason Of(DisconnectReason reason) =>
        new((byte)reason.Kind, reason.Text, reason.Reconnects, reason.ApplicationCode, reason.DialectCode);

    internal DisconnectReason ToReason() =>
        ApplicationCode != 0 ? DisconnectReason.Application(ApplicationCode, Text)
        : DialectCode != 0 ? DisconnectReason.Dialect(DialectCode, Text, Reconnects)
        : new DisconnectReason((DisconnectKind)Kind, Text, Reconnects);
}

/// <summary>A subscription that the server makes.</summary>
internal sealed record CommandSubscription(string Channel, byte[] ChannelInfo, byte[] Data, DateTimeOffset? ExpiresAt)
{
    public bool? Recoverable { get; init; }

    public bool? Positioned { get; init; }

    public bool? Presence { get; init; }

    public bool? JoinLeave { get; init; }

    internal static CommandSubscription Of(ServerSubscription each) =>
        new(each.Channel, each.ChannelInfo.ToArray(), each.Data.ToArray(), each.ExpiresAt)
    {
        Recoverable = each.Recoverable,
        Positioned = each.Positioned,
        Presence = each.Presence,
        JoinLeave = each.JoinLeave,
    };

    internal ServerSubscription ToSubscription() => new(Channel)
    {
        ChannelInfo = ChannelInfo,
        Data = Data,
        ExpiresAt = ExpiresAt,
        Recoverable = Recoverable,
        Positioned = Positioned,
        Presence = Presence,
        JoinLeave = JoinLeave,
    };
}

/// <summary>The answer of one node.</summary>
internal sealed record NodeAnswer
{
    public CommandError? Error { get; init; }

    public Dictionary<string, int>? Channels { get; init; }

    public CommandFigures? Figures { get; init; }

    public Explanation? Explanation { get; init; }

    internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CommandJson.Default.NodeAnswer);
}

/// <summary>Why a command could not be done.</summary>
internal sealed record CommandError(byte Kind, string Message, bool IsTemporary, int ApplicationCode, string Detail)
{
    internal static CommandError Of(HubError error, string detail) =>
        new((byte)error.Kind, error.Message, error.Temporary, error.ApplicationCode, detail);

    internal HubApiException ToException() =>
        new(ApplicationCode != 0 ? HubError.Application(ApplicationCode, Message, IsTemporary)
            : new HubError((HubErrorKind)Kind, Message, IsTemporary), Detail);
}

/// <summary>Counts of one node.</summary>
internal sealed record CommandFigures(int Clients, int Users, int Subscriptions, int Channels, string Version, long UptimeMilliseconds)
{
    internal static CommandFigures Of(in HubFigures figures) =>
        new(figures.Clients, figures.Users, figures.Subscriptions, figures.Channels, figures.Version,
            (long)figures.Uptime.TotalMilliseconds);

    internal HubFigures ToFigures() => new(Clients, Users, Subscriptions, Channels, Version, TimeSpan.FromMilliseconds(UptimeMilliseconds));
}

/// <summary>Writing and reading, made at build time. A member that a newer node knows is passed over.</summary>
[JsonSerializable(typeof(NodeCommand))]
[JsonSerializable(typeof(NodeAnswer))]
internal sealed partial class CommandJson : JsonSerializerContext;
