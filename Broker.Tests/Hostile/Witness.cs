using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.Hostile;

/// <summary>
/// A well-behaved client beside an attack: it publishes to its own channel again and again, and measures how long it takes
/// until the publication and the reply have come back, through session, channel and fan-out.
/// </summary>
/// <remarks>On a thread and a blocking socket of its own, so that what it measures is the host and not this process's pool.</remarks>
internal sealed class Witness : IDisposable
{
    private const int SamplesMin = 200;
    private const int WarmUp = 200;         // Not measured: the host compiles what it runs.

    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(2);

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly List<double> _milliseconds = [];
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _buffer = new byte[4096];
    private volatile bool _enough;
    private int _id = 2;

    private Witness(int port)
    {
        _socket.ReceiveTimeout = _socket.SendTimeout = 120_000;
        _socket.Connect(IPAddress.Loopback, port);
        _socket.Send(HostileClient.Upgrade(AttackedHost.HubPath));
        ReadUntil("\r\n\r\n");
        _socket.Send(HostileClient.Line("""{"id":1,"connect":{}}"""));
        ReadUntil("\"connect\"");
        _socket.Send(HostileClient.Line("""{"id":2,"subscribe":{"channel":"witness"}}"""));
        ReadUntil("\"subscribe\"");
        for (int i = 0; i < WarmUp; i++) Publish();
    }

    /// <summary>Connects and begins.</summary>
    public static Witness Start(int port)
    {
        var witness = new Witness(port);
        new Thread(witness.Run) { IsBackground = true, Name = "witness" }.Start();
        return witness;
    }

    /// <summary>Ends, once there are enough samples to judge by.</summary>
    /// <returns>The samples in order of size.</returns>
    public async Task<IReadOnlyList<double>> StopAsync(CancellationToken stop)
    {
        _enough = true;
        await _done.Task.WaitAsync(stop);
        _milliseconds.Sort();
        return _milliseconds;
    }

    private void Run()
    {
        try
        {
            while (!_enough || _milliseconds.Count < SamplesMin)
            {
                long start = Stopwatch.GetTimestamp();
                Publish();
                _milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);

                // Ends early if the host says something, which without a question is a ping; the next publication answers it.
                if (_socket.Poll(s_pace, SelectMode.SelectRead)) Assert.True(_socket.Receive(_buffer) > 0, "The witness was cut off.");
            }

            _done.SetResult();
        }
        catch (Exception failure)
        {
            _done.SetException(failure);
        }
    }

    private void Publish()
    {
        _socket.Send(HostileClient.Line($"{{\"id\":{++_id},\"publish\":{{\"channel\":\"witness\",\"data\":{_id}}}}}"));
        ReadUntil("\"data\":" + _id, $"{{\"id\":{_id},\"publish\":{{}}}}");
    }

    // The client's own replies are few and short: they come whole or in two pieces.
    private void ReadUntil(params ReadOnlySpan<string> wanted)
    {
        string text = "";
        foreach (string each in wanted)
        {
            while (!text.Contains(each, StringComparison.Ordinal))
            {
                int count = _socket.Receive(_buffer);
                Assert.True(count > 0, $"The witness was cut off; it had heard: {text}");
                text += Encoding.Latin1.GetString(_buffer, 0, count);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
