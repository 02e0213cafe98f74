using Broker.Client;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>A host of its own with a keyed store in a folder that goes with the test, and clients of it.</summary>
public abstract class StoreHost : IAsyncLifetime
{
    private protected static TimeSpan Patience => HostProcess.Patience;

    private protected string Folder { get; } = Directory.CreateTempSubdirectory("broker-store-").FullName;

    private protected virtual IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>();

    private protected HostProcess Host { get; private set; } = null!;

    public async Task InitializeAsync() => Host = await HostProcess.StartAsync(Variables, "--store", Folder);

    public async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private protected async Task<BrokerClient> ConnectAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        return await BrokerClient.ConnectAsync(new BrokerClientOptions { Url = Host.NativeUri }, limit.Token);
    }

    private protected static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private protected static string? Text(ReadOnlyMemory<byte>? bytes) =>
        bytes is { } some ? System.Text.Encoding.UTF8.GetString(some.Span) : null;
}
