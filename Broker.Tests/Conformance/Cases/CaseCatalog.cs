namespace Broker.Tests.Conformance.Cases;

/// <summary>All cases, in the order of their ids. There is no group 8 or 11.</summary>
public static class CaseCatalog
{
    /// <summary>The 517 cases.</summary>
    public static IReadOnlyList<ConformanceCase> All { get; } =
    [
        .. Group1Framing.All.OrderBy(c => c.Id, StringComparer.Ordinal),
        .. Group2PingPong.All,
        .. Group3ReservedBits.All,
        .. Group4ReservedOpcodes.All,
        .. Group5Fragmentation.All,
        .. Group6Utf8.All,
        .. Group7Closing.All,
        .. Group9Limits.All,
        .. Group10AutoFragmentation.All,
        .. Group12DeflatePayloads.All,
        .. Group13DeflateParameters.All,
    ];

    /// <summary>The cases whose ids stand in a list, where `9.*` stands for all ids with that start.</summary>
    /// <param name="selection">Ids or starts, separated by commas; empty selects all.</param>
    public static IReadOnlyList<ConformanceCase> Select(string selection)
    {
        string[] wanted = selection.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return wanted.Length == 0 ? All : [.. All.Where(c => wanted.Any(w => IsSelected(c.Id, w)))];
    }

    private static bool IsSelected(string id, string wanted) =>
        wanted.EndsWith('*') ? id.StartsWith(wanted[..^1], StringComparison.Ordinal) : id == wanted;
}
