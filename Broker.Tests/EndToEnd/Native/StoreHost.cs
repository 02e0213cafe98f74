using Broker.Client;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>
/// A host with a keyed store, and clients of it: the test's own, whose folder goes with the test, or one that the tests of a class
/// share.
/// </summary>
public abstract class StoreHost : IAsyncLifetime
{
    private static int s_tests;

    private readonly SharedStoreHost? _shared;

    private protected static TimeSpan Patience => HostProcess.Patience;

    private protected StoreHost(SharedStoreHost? shared = null) => _shared = shared;

    /// <summary>A folder of the test: of the store, if the host is the test's own.</summary>
    private protected string Folder { get; } = Directory.CreateTempSubdirectory("broker-store-").FullName;

    private protected virtual IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>();

    /// <summary>A name for a channel or a key that no other test uses.</summary>
    private protected string Unique { get; } =
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref s_tests)}");

    private protected HostProcess Host { get; private set; } = null!;

    public async Task InitializeAsync() => Host = _shared?.Process ?? await HostProcess.StartAsync(Variables, "--store", Folder);

    public async Task DisposeAsync()
    {
        if (_shared is null) await Host.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private protected async Task<BrokerClient> ConnectAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        return await BrokerClient.ConnectAsync(new BrokerClientOptions { Url = Host.NativeUri, ConnectLimit = Patience }, limit.Token);
    }

    private protected static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private protected static string? Text(ReadOnlyMemory<byte>? bytes) =>
        bytes is { } some ? System.Text.Encoding.UTF8.GetString(some.Span) : null;
}
