namespace Broker.Cli.Bench;

/// <summary>What a run does with its connections; disposed of, they are closed.</summary>
internal interface ILoad : IAsyncDisposable
{
    /// <summary>Opens all connections.</summary>
    /// <exception cref="BenchException">One did not open.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    Task OpenAsync();

    /// <summary>
    /// Sends until it is enough or the run stops, and ends when all of it has arrived or the run is aborted; called once.
    /// </summary>
    Task RunAsync();

    /// <summary>What became of everything that was sent; asked when <see cref="RunAsync"/> has ended.</summary>
    Tally Count();
}
