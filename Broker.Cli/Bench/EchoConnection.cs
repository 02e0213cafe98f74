using System.Buffers.Binary;
using System.Net.WebSockets;

namespace Broker.Cli.Bench;

/// <summary>One connection whose messages come back: some are always under way, and each that comes back lets the next go.</summary>
/// <remarks>A message is its number and its time, eight bytes each, and a pattern; all of it is compared when it comes back.</remarks>
internal sealed class EchoConnection(int number, ClientWebSocket socket, EchoPlan plan, LoadMeter meter, RunControl control)
{
    /// <summary>The least bytes that a message has.</summary>
    public const int BytesMin = 16;

    private readonly byte[] _sent = MakePattern(plan.Bytes), _received = new byte[plan.Bytes];
    private SequenceCheck _check;
    private long _next, _damaged;
    private int _underWay;
    private Task? _sending;     // The one send that the socket had no room for at once.

    /// <summary>What became of its messages.</summary>
    public void AddTo(ref Tally tally)
    {
        tally = tally.With(_check, _next);
        tally = tally with { Damaged = tally.Damaged + _damaged };
    }

    /// <summary>Sends until it is enough, and receives what is under way then.</summary>
    public async Task RunAsync()
    {
        using CancellationTokenRegistration abort = control.Aborting.Register(socket.Abort);
        try
        {
            while (true)
            {
                await SendSomeAsync().ConfigureAwait(false);
                if (_underWay > 0) await ReceiveAsync().ConfigureAwait(false);
                else if (_sending is { } last) await last.ConfigureAwait(false);
                else return;
            }
        }
        catch (Exception failure) when (SocketReading.IsOfSocket(failure))
        {
            meter.Closed();
            control.DropConnection(failure, ends: true);
        }
    }

    private bool MaySend => !control.Stopping.IsCancellationRequested && (plan.Messages == 0 || _next < plan.Messages);

    // While the socket has no room it is read on: a server that writes before it reads on would wait for us otherwise.
    private async ValueTask SendSomeAsync()
    {
        while (_sending is null or { IsCompleted: true })
        {
            if (_sending is { } done) await done.ConfigureAwait(false);
            _sending = null;
            if (_underWay >= plan.Depth || !MaySend) return;
            BinaryPrimitives.WriteInt64LittleEndian(_sent, _next++);
            BinaryPrimitives.WriteInt64LittleEndian(_sent.AsSpan(8), BenchClock.Now);
            _underWay++;
            ValueTask send = socket.SendAsync(_sent.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
            if (send.IsCompleted) await send.ConfigureAwait(false);
            else _sending = send.AsTask();
        }
    }

    private async ValueTask ReceiveAsync()
    {
        int length = 0;
        bool isWhole, isLonger = false;
        do
        {
            // What does not fit is read over the beginning: it is damaged anyway.
            if (length == _received.Length) (length, isLonger) = (0, true);
            ValueWebSocketReceiveResult read = await socket.ReadAsync(_received.AsMemory(length)).ConfigureAwait(false);
            length += read.Count;
            isWhole = read.EndOfMessage;
        }
        while (!isWhole);

        Take(isLonger ? [] : _received.AsSpan(0, length));
    }

    private void Take(ReadOnlySpan<byte> message)
    {
        if (message.Length != plan.Bytes || !message[BytesMin..].SequenceEqual(_sent.AsSpan(BytesMin)))
        {
            _damaged++;
            _underWay--;
            return;
        }

        long place = BinaryPrimitives.ReadInt64LittleEndian(message), time = BinaryPrimitives.ReadInt64LittleEndian(message[8..]);
        bool isOurs = place >= 0 && place < _next;
        if (!isOurs) _damaged++;
        else if (!_check.Take(place)) return;       // One that comes twice lets no other go.
        else meter.Record(number, BenchClock.Now - time);
        _underWay--;
    }

    private static byte[] MakePattern(int bytes)
    {
        byte[] pattern = new byte[bytes];
        for (int i = 0; i < bytes; i++) pattern[i] = (byte)(i * 31);
        return pattern;
    }
}
