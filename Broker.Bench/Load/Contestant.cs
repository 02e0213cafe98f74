namespace Broker.Bench.Load;

/// <summary>Where a server is started: its port, and an empty folder of its own for its configuration.</summary>
internal sealed record LaunchSite(int Port, string Folder);

/// <summary>One server that takes part in a load run.</summary>
/// <param name="Name">As in <c>--peers</c> and in the tables.</param>
/// <param name="Dialect">How to talk to it.</param>
/// <param name="Command">The command that starts it; may write its configuration into the place's folder first.</param>
internal sealed record Contestant(string Name, Dialect Dialect, Func<LaunchSite, IReadOnlyList<string>> Command)
{
    /// <summary>Why it cannot take part on this machine, or none.</summary>
    public string? Missing { get; init; }

    /// <summary>Asks which version it is: the first line of the answer that has a digit; none when no one can be asked.</summary>
    public IReadOnlyList<string>? VersionCommand { get; init; }
}
