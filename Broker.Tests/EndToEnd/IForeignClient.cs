namespace Broker.Tests.EndToEnd;

/// <summary>A client that others wrote, on the journey that <see cref="ForeignClientsTests"/> describes.</summary>
internal interface IForeignClient : IAsyncDisposable
{
    /// <summary>What it saw next, as a line of JSON; or in words, why there is nothing.</summary>
    Task<string> NextAsync(CancellationToken stop);

    /// <summary>The host listens again: clients that do not come back by themselves do so now.</summary>
    Task OnHostBackAsync();
}
