namespace Broker.Cli.Commands;

/// <summary>Where a hub is, and what opens its server API, as the hub's settings say.</summary>
/// <param name="Url">Its URL, or that of its server API.</param>
/// <param name="Key">A key; empty for none.</param>
public sealed record ApiTarget(string Url, string Key)
{
    /// <summary>What is wrong with the settings; nothing else counts then.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}
