namespace Broker.Actors.Limits;

/// <summary>What is limited.</summary>
public enum LimitKind
{
    /// <summary>Commands, publications and subscribes among them.</summary>
    Commands,

    /// <summary>Publications.</summary>
    Publishes,

    /// <summary>Subscribes.</summary>
    Subscribes,

    /// <summary>Bytes of commands.</summary>
    Bytes,

    /// <summary>New connections.</summary>
    Connects,

    /// <summary>Open connections, which are no rate.</summary>
    Connections,
}

/// <summary>Whose all of it is counted together.</summary>
public enum LimitScope
{
    /// <summary>Of one connection.</summary>
    Connection,

    /// <summary>Of all connections of one user. Anonymous clients have none.</summary>
    User,

    /// <summary>Of all connections from one address; of IPv6, from one network of 64 bits.</summary>
    Address,
}

/// <summary>What one connection, user or address may do in a second, on average; 0 is any number.</summary>
public record RateSettings
{
    /// <summary>Commands.</summary>
    public int Commands { get; init; }

    /// <summary>Publications.</summary>
    public int Publishes { get; init; }

    /// <summary>Subscribes.</summary>
    public int Subscribes { get; init; }

    /// <summary>Bytes of commands.</summary>
    public long Bytes { get; init; }

    /// <summary>Whether commands are limited at all.</summary>
    internal bool LimitsCommands => Commands > 0 || Publishes > 0 || Subscribes > 0 || Bytes > 0;
}

/// <summary>What all connections of one user or address may do together.</summary>
public sealed record SharedRateSettings : RateSettings
{
    /// <summary>New connections.</summary>
    public int Connects { get; init; }

    /// <summary>Whether anything is limited.</summary>
    internal bool IsOn => LimitsCommands || Connects > 0;
}

/// <summary>Rates of clients. Twice as much at once is taken, and always what a client says that comes back to all its channels.</summary>
public sealed record LimitSettings
{
    /// <summary>Of each connection.</summary>
    public RateSettings Connection { get; init; } = new();

    /// <summary>Of each user.</summary>
    public SharedRateSettings User { get; init; } = new();

    /// <summary>Of each address.</summary>
    public SharedRateSettings Address { get; init; } = new();

    /// <summary>Users, and addresses, that are remembered while they have no connection.</summary>
    public int EntriesMax { get; init; } = 100_000;

    /// <summary>Commands of a connection that are refused in a row before it is disconnected; 0 for any number.</summary>
    public int RefusedMax { get; init; } = 1000;

    /// <summary>Whether anything is limited.</summary>
    internal bool IsOn => Connection.LimitsCommands || User.IsOn || Address.IsOn;
}
