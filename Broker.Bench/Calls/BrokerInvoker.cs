using Broker.Bench.Native;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Bench.Calls;

/// <summary>Calls by v3.broker: all that are sent together in one frame.</summary>
internal sealed class BrokerInvoker(RawClient client, string method) : IAsker
{
    private readonly MethodId _method = MethodId.Of(method);
    private readonly byte[] _messages = new byte[64 * 1024];
    private uint _last;

    /// <summary>Connects to a <see cref="NativeHub"/>, to call a method of its.</summary>
    public static Func<int, CancellationToken, Task<IAsker>> Of(string method) =>
        async (port, stop) => new BrokerInvoker(await RawClient.ConnectAsync(port, batched: true, stop), method);

    public ValueTask AskAsync(int requests, CancellationToken stop)
    {
        var writer = new NativeWriter(_messages);
        for (int i = 0; i < requests; i++)
        {
            _last = CallIds.Next(_last);
            writer.TryWrite(new Call { Id = _last, Method = _method, Arguments = InvokeRun.Argument });
        }

        return client.SendAsync(RawClient.Frame(_messages.AsSpan(0, writer.Position)), stop);
    }

    public ValueTask<int> AnswersAsync(CancellationToken stop) => client.ReceiveAsync(messages: 1, stop);

    public void Dispose() => client.Dispose();
}
