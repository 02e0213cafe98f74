using System.Buffers.Text;
using System.Text;

namespace Broker.Cli.Bench;

/// <summary>One connection that publishes: as its window lets it, or by the clock.</summary>
internal sealed class Publisher
{
    private static readonly TimeSpan s_pauseMax = TimeSpan.FromSeconds(1);      // The longest that a ping waits for its answer.

    private readonly int _number;
    private readonly CentrifugeLink _link;
    private readonly FanOutPlan _plan;
    private readonly LoadMeter _meter;
    private readonly RunControl _control;
    private readonly int[] _channels;
    private readonly long[] _sentInto;      // One for each of its channels.
    private readonly byte[][] _envelopes;   // The same; what follows the number of the command.
    private readonly byte[] _command;
    private readonly long _underWayMax;     // Deliveries, and not publications: what a window of them makes, but for one.
    private readonly Signal _wake = new();
    private long _underWay, _answered;
    private volatile bool _owesPong, _hasSent;

    public Publisher(int number, CentrifugeLink link, FanOutPlan plan, LoadMeter meter, RunControl control)
    {
        (_number, _link, _plan, _meter, _control) = (number, link, plan, meter, control);
        _channels = plan.ChannelsOf(number);
        _sentInto = new long[_channels.Length];
        _underWayMax = plan.Window < 1 ? long.MaxValue : (plan.Window - 1L) * _channels.Max(plan.ListenersOf);
        _envelopes = [.. _channels.Select(EnvelopeOf)];
        _command = new byte[CommandStart.Length + 20 + _envelopes.Max(envelope => envelope.Length)];
        CommandStart.CopyTo(_command);
    }

    private static ReadOnlySpan<byte> CommandStart => "{\"id\":"u8;

    private static ReadOnlySpan<byte> CommandEnd => "}}"u8;

    /// <summary>Publications so far.</summary>
    public long Sent { get; private set; }

    /// <summary>Whether it publishes no more, and everything that it did is answered and has arrived.</summary>
    public bool IsSettled => _hasSent && Interlocked.Read(ref _underWay) == 0 && Interlocked.Read(ref _answered) == Sent;

    /// <summary>Its publications into one of its channels; seen by others before the publication is.</summary>
    public long SentInto(int channel) => Interlocked.Read(ref _sentInto[_channels.Length == 1 ? 0 : channel / _plan.Publishers]);

    /// <summary>One of its publications has arrived at one subscriber.</summary>
    public void Delivered()
    {
        if (Interlocked.Decrement(ref _underWay) == _underWayMax) _wake.Set();
    }

    /// <summary>Publishes until it is enough.</summary>
    public async Task PublishAsync()
    {
        using CancellationTokenRegistration stop = _control.Stopping.Register(_wake.Set), abort = _control.Aborting.Register(_wake.Set);
        long start = BenchClock.Now;
        double interval = _plan.Rate == 0 ? 0 : 1e9 * _plan.Publishers / _plan.Rate;
        try
        {
            while (!_control.Stopping.IsCancellationRequested && (_plan.Messages == 0 || Sent < _plan.Messages))
            {
                if (_owesPong) await PongAsync().ConfigureAwait(false);
                long due = interval == 0 ? BenchClock.Now : start + (long)((Sent + ((double)_number / _plan.Publishers)) * interval);
                if (interval > 0 && due > BenchClock.Now) await PauseAsync(due).ConfigureAwait(false);
                else if (interval == 0 && Interlocked.Read(ref _underWay) > _underWayMax) await _wake.WaitAsync().ConfigureAwait(false);
                else await _link.SendAsync(NextCommand(due)).ConfigureAwait(false);
            }

            _hasSent = true;

            // Answering pings goes on: what is under way may take longer than one.
            while (!_control.Aborting.IsCancellationRequested)
            {
                await _wake.WaitAsync().ConfigureAwait(false);
                if (_owesPong) await PongAsync().ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (SocketReading.IsOfSocket(failure))
        {
            // The reader of the same socket tells.
        }
    }

    /// <summary>Reads answers until the run is aborted.</summary>
    public async Task ReadAsync()
    {
        using CancellationTokenRegistration abort = _control.Aborting.Register(_link.Abort);
        try
        {
            while (true)
            {
                while (_link.Lines.TryTake(out ReadOnlySpan<byte> line)) Take(line);
                await _link.Lines.ReadAsync().ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (SocketReading.IsOfSocket(failure))
        {
            _meter.Closed();
            _control.DropConnection(failure, ends: true);
        }
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        if (line.SequenceEqual(CentrifugeReply.Ping))
        {
            _owesPong = true;
            _wake.Set();
            return;
        }

        CentrifugeReply reply = CentrifugeReply.Parse(line);
        if (reply.Id == 0) return;
        Interlocked.Increment(ref _answered);
        if (reply.ErrorCode != 0) _control.Fail($"The server refused a publication: {reply.ErrorCode} {reply.ErrorText}");
    }

    private async ValueTask PongAsync()
    {
        _owesPong = false;
        await _link.PongAsync().ConfigureAwait(false);
    }

    private Task PauseAsync(long due)
    {
        var pause = TimeSpan.FromMilliseconds(Math.Ceiling((due - BenchClock.Now) / 1e6));
        return _control.WaitAsync(pause < TimeSpan.Zero ? TimeSpan.Zero : pause < s_pauseMax ? pause : s_pauseMax);
    }

    // {"id":7,"publish":{"channel":"bench-RUN-0","data":"#RUN and the stamp and x to its end"}}
    private byte[] EnvelopeOf(int channel)
    {
        byte[] start = [.. Encoding.UTF8.GetBytes($",\"publish\":{{\"channel\":\"{_plan.NameOf(channel)}\",\"data\":"), .. _plan.Mark];
        byte[] envelope = new byte[start.Length - _plan.Mark.Length + _plan.Bytes + CommandEnd.Length];
        envelope.AsSpan().Fill((byte)'x');
        start.CopyTo(envelope, 0);
        envelope[^3] = (byte)'"';
        CommandEnd.CopyTo(envelope.AsSpan(envelope.Length - CommandEnd.Length));
        return envelope;
    }

    private ReadOnlyMemory<byte> NextCommand(long time)
    {
        int turn = (int)(Sent % _channels.Length), channel = _channels[turn];
        var stamp = new PublicationStamp(_number, channel, _sentInto[turn], time);
        Interlocked.Increment(ref _sentInto[turn]);
        Interlocked.Add(ref _underWay, _plan.ListenersOf(channel));
        Sent++;

        Utf8Formatter.TryFormat(2 + Sent, _command.AsSpan(CommandStart.Length), out int digits);
        int length = CommandStart.Length + digits;
        byte[] envelope = _envelopes[turn];
        envelope.CopyTo(_command, length);
        int stampAt = length + envelope.Length - CommandEnd.Length - _plan.Bytes + _plan.Mark.Length;
        stamp.Write(_command.AsSpan(stampAt));
        return _command.AsMemory(0, length + envelope.Length);
    }
}
