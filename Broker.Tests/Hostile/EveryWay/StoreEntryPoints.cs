using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>Hosts with a store, tokens, compression and small limits, by every entry point.</summary>
public sealed class StoreEntryPoints : IAsyncLifetime
{
    internal const string Secret = "a secret of thirty-two characters", Issuer = "us";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-rows-");
    private EveryEntryPoint? _entryPoints;

    /// <summary>The running hosts.</summary>
    internal EveryEntryPoint EntryPoints => _entryPoints!;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _entryPoints = await EveryEntryPoint.OpenAsync(
            ("STORE_PATH", Path.Combine(_folder.FullName, EveryEntryPoint.HostMark)), ("STORE_RESULT_BYTES_MAX", "2MiB"),
            ("STORE_STREAMED_VALUE_BYTES_MAX", "4MiB"), ("NATIVE_STREAMS_BYTES_MAX", "1MiB"),
            ("NATIVE_STREAMS_CONNECTION_BYTES_MAX", "1MiB"), ("TOKENS_HMAC_SECRET", Secret), ("TOKENS_ISSUER", Issuer),
            ("USERS_CONNECTIONS_MAX", "1"), ("CHANNELS_PUBLISH", "subscribers"), ("CENTRIFUGE_CHANNELS_MAX", "3"),
            ("COMPRESSION_ENABLED", "on"), ("ECHO_ENABLED", "on"), ("CENTRIFUGE_BYTES_BEFORE_CONNECT_MAX", "400KiB"),
            ("CENTRIFUGE_MESSAGE_BYTES_MAX", "400KiB"),
            ("CENTRIFUGE_EXPIRED_CLOSE_DELAY", "1s"));
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        foreach (HostProcess host in EveryEntryPoint.All.Select(_entryPoints.HostOf).Distinct())
        {
            await using BrokerClient client =
                await BrokerClient.ConnectAsync(new BrokerClientOptions { Url = host.NativeUri }, limit.Token);
            var store = new StoreClient(client);
            await store.WriteAsync("a"u8.ToArray(), new byte[300_000], Durability.Memory, cancellationToken: limit.Token);
            await store.Streams.WriteAsync(
                "streamed"u8.ToArray(), new MemoryStream(new byte[3 << 20]), Durability.Memory, cancellationToken: limit.Token);
        }
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_entryPoints is not null)
        {
            await using (_entryPoints)
            {
                foreach (HostProcess host in EveryEntryPoint.All.Select(_entryPoints.HostOf).Distinct()) await host.StopAsync();
            }
        }

        _folder.Delete(recursive: true);
    }
}
