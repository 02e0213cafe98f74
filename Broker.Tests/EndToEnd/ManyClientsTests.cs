using System.Buffers.Text;
using System.Text;
using Xunit.Abstractions;

namespace Broker.Tests.EndToEnd;

/// <summary>A thousand clients on one channel: what one publishes, all get, each once and in order.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class ManyClientsTests(SharedHost shared, ITestOutputHelper output)
{
    private const int ClientsCount = 1000;
    private const int MessagesCount = 1000;
    private const int MessagesPerFrame = 20;
    private const string Channel = "many:room";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Each_of_a_thousand_clients_gets_each_of_a_thousand_messages_once_and_in_order()
    {
        using var limit = new CancellationTokenSource(s_limit);
        int port = shared.Process.Port;
        using var group = new ClientGroup();
        using LightClient publisher = await LightClient.ConnectAsync(port, limit.Token);
        Task answers = ReadAnswersAsync(publisher, limit.Token);
        await group.ConnectAsync(ClientsCount, port, Channel, client => ReadAllAsync(client, limit.Token), limit.Token);

        TimeSpan usedBefore = shared.Process.ProcessorTime;
        for (int number = 0; number < MessagesCount; number += MessagesPerFrame)
            await publisher.SendAsync(string.Join('\n', Enumerable.Range(number, MessagesPerFrame).Select(PublishOf)), limit.Token);
        await answers;
        await group.WhenAllHaveLived();

        TimeSpan used = shared.Process.ProcessorTime - usedBefore;
        output.WriteLine($"{ClientsCount * MessagesCount} deliveries in {used.TotalMilliseconds:F0} ms of processor time of the host");
    }

    // Whatever one would get twice, late or not at all shows as a wrong number; one too many would come before the answer.
    private static async Task ReadAllAsync(LightClient client, CancellationToken stop)
    {
        for (int expected = 0; expected < MessagesCount; expected++)
        {
            ReadOnlyMemory<byte>? line = await client.ReadLineAsync(stop);
            Assert.True(line is not null, $"The server closed with {client.CloseCode} {client.CloseReason} before message {expected}.");
            Assert.Equal(expected, NumberIn(line.Value.Span));
        }

        string answer = $"{{\"id\":{MessagesCount},\"unsubscribe\":{{}}}}";
        await client.SendAsync($"{{\"id\":{MessagesCount},\"unsubscribe\":{{\"channel\":\"{Channel}\"}}}}", stop);
        ReadOnlyMemory<byte>? last = await client.ReadLineAsync(stop);
        Assert.Equal(answer, last is null ? null : Encoding.UTF8.GetString(last.Value.Span));
    }

    private static async Task ReadAnswersAsync(LightClient publisher, CancellationToken stop)
    {
        for (int expected = 0; expected < MessagesCount; expected++)
        {
            ReadOnlyMemory<byte>? line = await publisher.ReadLineAsync(stop);
            Assert.Equal($"{{\"id\":{expected + 100},\"publish\":{{}}}}", line is null ? null : Encoding.UTF8.GetString(line.Value.Span));
        }
    }

    private static string PublishOf(int number) =>
        $"{{\"id\":{number + 100},\"publish\":{{\"channel\":\"{Channel}\",\"data\":{{\"number\":{number}}}}}}}";

    private static int NumberIn(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> head = "{\"push\":{\"channel\":\"many:room\",\"pub\":{\"data\":{\"number\":"u8;
        int number = -1;
        Assert.True(
            line.StartsWith(head) && Utf8Parser.TryParse(line[head.Length..], out number, out _),
            $"Not a publication of the channel: {Encoding.UTF8.GetString(line)}");
        return number;
    }
}
