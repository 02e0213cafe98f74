using System.Globalization;
using Broker.Core.Protocol.Messages;

namespace Broker.Bench.Native;

/// <summary>
/// The same publications, of 120 bytes each and answered each, 64 in flight: one a frame, and as many a frame as there are.
/// </summary>
internal static class BatchingRun
{
    private const int MessageBytes = 120;

    public static async Task<int> RunAsync(int seconds, CancellationToken stop)
    {
        await using HubProcess hub = await HubProcess.StartAsync(stop);
        foreach (int connections in (int[])[1, 100])
        {
            double unbatched = await MeasureAsync("v2, a write for each frame", batched: false, gathered: false);
            await MeasureAsync("v2, one write for all frames", batched: false, gathered: true);
            double batched = await MeasureAsync("v3", batched: true, gathered: true);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                        $"{connections,3} connections  v3 over v2: {batched / unbatched:F2} times the messages per CPU second"));

            async Task<double> MeasureAsync(string way, bool batched, bool gathered)
            {
                Pace pace = await ClosedLoop.MeasureAsync(
                    hub, (port, stop) =>
                        Publisher.ConnectAsync(port, batched, gathered, stop), connections, TimeSpan.FromSeconds(2),
                            TimeSpan.FromSeconds(seconds), stop);
                Console.WriteLine($"{connections,3} connections  {way,-30} {pace}");
                return pace.PerCpuSecond;
            }
        }

        return 0;
    }

    private sealed class Publisher(RawClient client, bool batched, bool gathered) : IAsker
    {
        private static readonly byte[] s_message =
            NativeWriter.Message(new Publish { Request = 1, Channel = "bench"u8, Data = new byte[MessageBytes - 16] });

        private readonly byte[][] _frames =
            [.. Enumerable.Range(0, ClosedLoop.InFlight + 1)
                .Select(count => batched ? RawClient.Frame(Repeat(s_message, count)) : Repeat(RawClient.Frame(s_message), count))];

        public static async Task<IAsker> ConnectAsync(int port, bool batched, bool gathered, CancellationToken stop) =>
            new Publisher(await RawClient.ConnectAsync(port, batched, stop), batched, gathered);

        public async ValueTask AskAsync(int requests, CancellationToken stop)
        {
            if (gathered) await client.SendAsync(_frames[requests], stop);
            else for (int i = 0; i < requests; i++) await client.SendAsync(_frames[1], stop);
        }

        public ValueTask<int> AnswersAsync(CancellationToken stop) => client.ReceiveAsync(messages: 1, stop);

        public void Dispose() => client.Dispose();

        private static byte[] Repeat(byte[] bytes, int count) => [.. Enumerable.Repeat(bytes, count).SelectMany(each => each)];
    }
}
