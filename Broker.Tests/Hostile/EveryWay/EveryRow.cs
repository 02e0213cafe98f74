using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>Rows of a table, tried at once.</summary>
internal static class EveryRow
{
    /// <summary>Tries every row, and tells all that are wrong in one list.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="ask">Tries one; says what was received if that is wrong.</param>
    public static async Task ForEachAsync<T>(IReadOnlyDictionary<string, T> rows, Func<string, T, CancellationToken, Task<string?>> ask)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        string?[] wrong = await Task.WhenAll(rows.Select(async row =>
        {
            try
            {
                return await ask(row.Key, row.Value, limit.Token) is { } received ? $"{row.Key}: {received}" : null;
            }
            catch (OperationCanceledException)
            {
                return $"{row.Key}: nothing";
            }
        }));
        Assert.Equal([], wrong.OfType<string>());
    }
}
