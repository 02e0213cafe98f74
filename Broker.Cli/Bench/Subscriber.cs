namespace Broker.Cli.Bench;

/// <summary>One connection that listens to one channel, and checks everything that it receives.</summary>
internal sealed class Subscriber(
    int number, CentrifugeLink link, FanOutPlan plan, Publisher[] publishers, LoadMeter meter, RunControl control)
{
    private readonly byte[] _mark = plan.Mark;
    private readonly int _channel = plan.ChannelOf(number);
    private readonly SequenceCheck[] _checks = new SequenceCheck[plan.PublishersOf(plan.ChannelOf(number))];
    private long _damaged;
    private bool _owesPong;

    /// <summary>What became of all that was published into its channel.</summary>
    public void AddTo(ref Tally tally)
    {
        for (int slot = 0; slot < _checks.Length; slot++)
        {
            tally = tally.With(_checks[slot], publishers[plan.PublisherOf(_channel, slot)].SentInto(_channel));
        }

        tally = tally with { Damaged = tally.Damaged + _damaged };
    }

    /// <summary>Listens until the run is aborted.</summary>
    public async Task RunAsync()
    {
        using CancellationTokenRegistration abort = control.Aborting.Register(link.Abort);
        try
        {
            while (true)
            {
                while (link.Lines.TryTake(out ReadOnlySpan<byte> line)) Take(line);
                if (_owesPong) await link.PongAsync().ConfigureAwait(false);
                _owesPong = false;
                await link.Lines.ReadAsync().ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (SocketReading.IsOfSocket(failure))
        {
            meter.Closed();
            control.DropConnection(failure, ends: true);
        }
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        int start = line.IndexOf(_mark);
        if (start < 0)
        {
            if (line.SequenceEqual(CentrifugeReply.Ping)) _owesPong = true;
            else _ = CentrifugeReply.Parse(line);       // Joins, leaves and what else there is: known and left alone.
            return;
        }

        // The length is that of the data, whose last byte is a quote: what follows it is the envelope's.
        ReadOnlySpan<byte> data = line[start..];
        bool isRight = PublicationStamp.TryRead(data[_mark.Length..], out PublicationStamp stamp)
            && plan.Has(stamp) && stamp.Channel == _channel
            && data.Length > plan.Bytes && data[1..].IndexOf((byte)'"') == plan.Bytes - 2
            && stamp.Number < publishers[stamp.Publisher].SentInto(_channel);
        if (!isRight)
        {
            _damaged++;
        }
        else if (_checks[plan.PositionOf(stamp.Publisher)].Take(stamp.Number))
        {
            meter.Record(number, BenchClock.Now - stamp.Time);
            publishers[stamp.Publisher].Delivered();
        }
    }
}
