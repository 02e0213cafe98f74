using System.Threading.Channels;
using Broker.Client;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Client;

/// <summary>A client and the hub that it talks to, both in the test's hands.</summary>
public abstract class ClientTest : IAsyncLifetime
{
    private readonly Channel<ClientState> _states = Channel.CreateUnbounded<ClientState>();

    private protected FakeTimeProvider Time { get; } = new();

    private protected ScriptedHub Hub { get; private set; } = null!;

    private protected BrokerClient Client { get; private set; } = null!;

    private protected HubSide Side { get; set; } = null!;

    public async Task InitializeAsync() => Hub = await ScriptedHub.StartAsync();

    public async Task DisposeAsync()
    {
        Side?.Over.TrySetResult();
        if (Client is not null) await Client.DisposeAsync();
        await Hub.DisposeAsync();
    }

    private protected BrokerClientOptions Options => new() { Url = Hub.Url, Time = Time, Name = "demo", Token = "sesam"u8.ToArray() };

    private protected async Task ConnectAsync(BrokerClientOptions? options = null, NativeLimits? limits = null)
    {
        Task<BrokerClient> connecting = BrokerClient.ConnectAsync(options ?? Options);
        Side = await Hub.AcceptAsync();
        await Side.WelcomeAsync(limits);
        Client = await connecting.WaitAsync(ScriptedHub.Patience);
        Client.StateChanged += state => _states.Writer.TryWrite(state);
    }

    /// <summary>Waits until the client has said that it is in a state, and takes all it said before.</summary>
    private protected async Task AwaitStateAsync(ClientState state)
    {
        while (await _states.Reader.ReadAsync().AsTask().WaitAsync(ScriptedHub.Patience) != state)
        {
        }
    }

    /// <summary>Lets the longest backoff pass and welcomes the client again.</summary>
    private protected async Task ReconnectAsync()
    {
        await AwaitStateAsync(ClientState.Waiting);
        Time.Advance(Options.BackoffMax);
        Side = await Hub.AcceptAsync();
        await Side.WelcomeAsync();
        await AwaitStateAsync(ClientState.Connected);
    }

    /// <summary>Subscribes "news", which the hub calls 7.</summary>
    private protected async Task<Subscription> SubscribeAsync(
        SubscribedState state = SubscribedState.None, ulong epoch = 0, ulong offset = 0)
    {
        Task<Subscription> subscribing = Client.SubscribeAsync("news");
        uint request = Read(await Side.ReceiveAsync(), message => message.As<Subscribe>().Request);
        await Side.SendAsync(
            NativeWriter.Message(new Subscribed { Request = request, Channel = 7, State = state, Epoch = epoch, Offset = offset }));
        return await subscribing.WaitAsync(ScriptedHub.Patience);
    }

    private protected static byte[] DeliveryOf(ulong offset, string data, uint channel = 7) =>
        NativeWriter.Message(
            new Core.Protocol.Messages.Delivery { Channel = channel, Offset = offset, Data = System.Text.Encoding.UTF8.GetBytes(data) });

    private protected delegate T Reading<T>(NativeMessage message);

    /// <summary>Reads fields of a message that the client said.</summary>
    private protected static T Read<T>(byte[] bytes, Reading<T> read)
    {
        var reader = new NativeReader(bytes, Core.Framing.Side.Server, batched: true);
        Assert.Equal(System.Buffers.OperationStatus.Done, reader.Read(out NativeMessage message));
        return read(message);
    }

    private protected static async Task<Broker.Client.Delivery> NextAsync(IAsyncEnumerator<Broker.Client.Delivery> deliveries)
    {
        Assert.True(await deliveries.MoveNextAsync().AsTask().WaitAsync(ScriptedHub.Patience));
        return deliveries.Current;
    }
}
