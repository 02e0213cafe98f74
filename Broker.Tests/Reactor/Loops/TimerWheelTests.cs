using Broker.Reactor.Loops;
using CsCheck;
using Xunit;

namespace Broker.Tests.Reactor.Loops;

public sealed class TimerWheelTests
{
    private const int Tick = TimerWheel.TickMilliseconds;
    private const int Round = 1024 * Tick;

    private readonly TimerWheel _wheel = new();

    [Theory]
    [InlineData(0), InlineData(1), InlineData(Tick - 1), InlineData(Tick), InlineData(Tick + 1), InlineData(1000)]
    [InlineData(Round - 1), InlineData(Round), InlineData(Round + 1), InlineData((3 * Round) + 5)]
    public void A_deadline_fires_once_not_early_and_at_most_one_tick_late(int due)
    {
        var deadline = new Alarm();
        deadline.Set(_wheel, due);

        long? firedAt = null;
        for (long now = 0; now <= due + (2 * Tick); now++)
        {
            _wheel.Advance(now);
            if (deadline.Fired == 1) firedAt ??= now;
        }

        Assert.Equal(1, deadline.Fired);
        Assert.InRange(firedAt!.Value, due, due + Tick);
        Assert.Equal(0, _wheel.Count);
    }

    [Fact]
    public void A_deadline_that_is_pushed_back_again_and_again_fires_once_at_its_last_time()
    {
        var deadline = new Alarm();
        for (long now = 0; now < 10_000; now += 10)
        {
            deadline.Set(_wheel, now + 500);
            _wheel.Advance(now);
        }

        Assert.Equal(0, deadline.Fired);
        _wheel.Advance(9990 + 499);
        Assert.Equal(0, deadline.Fired);
        for (long now = 9990 + 500; now < 20_000; now += 10) _wheel.Advance(now);
        Assert.Equal(1, deadline.Fired);
    }

    [Fact]
    public void A_deadline_that_is_brought_forward_fires_at_the_new_time()
    {
        var deadline = new Alarm();
        deadline.Set(_wheel, 10_000);
        deadline.Set(_wheel, 100);

        _wheel.Advance(100 + Tick);

        Assert.Equal(1, deadline.Fired);
        Assert.Equal(0, _wheel.Count);
    }

    [Fact]
    public void A_cancelled_timer_never_fires()
    {
        var deadline = new Alarm();
        deadline.Set(_wheel, 100);
        deadline.Unset(_wheel);
        deadline.Unset(_wheel);

        _wheel.Advance(10_000);

        Assert.Equal(0, deadline.Fired);
        Assert.Equal(-1, _wheel.MillisecondsToNext(10_000));
    }

    [Fact]
    public void A_callback_may_unset_a_neighbour_of_the_same_slot()
    {
        Alarm[] alarms = [new(), new(), new()];
        foreach (Alarm alarm in alarms)
        {
            alarm.Then = () =>
            {
                foreach (Alarm other in alarms.Where(other => other != alarm)) other.Unset(_wheel);
            };
            alarm.Set(_wheel, 100);
        }

        _wheel.Advance(1000);

        Assert.Equal(1, alarms.Sum(alarm => alarm.Fired));
        Assert.Equal(0, _wheel.Count);
    }

    [Fact]
    public void A_callback_may_set_its_own_deadline_again()
    {
        var deadline = new Alarm();
        long now = 0;
        deadline.Then = () => deadline.Set(_wheel, now + 1000);
        deadline.Set(_wheel, 1000);

        for (; now <= 10 * (1000 + Tick); now += 7) _wheel.Advance(now);

        Assert.InRange(deadline.Fired, 9, 10);
        Assert.Equal(1, _wheel.Count);
    }

    [Fact]
    public void A_callback_may_push_a_due_neighbour_back()
    {
        var first = new Alarm();
        var second = new Alarm();
        first.Then = () => second.Set(_wheel, 5000);
        second.Then = () => first.Set(_wheel, 5000);
        first.Set(_wheel, 100);
        second.Set(_wheel, 100);

        _wheel.Advance(1000);
        Assert.Equal(1, first.Fired + second.Fired);

        first.Then = second.Then = null;
        _wheel.Advance(6000);
        Assert.Equal(2, first.Fired + second.Fired);
    }

    [Theory]
    [InlineData(Round - 1), InlineData(Round), InlineData(Round + Tick), InlineData(7 * Round)]
    public void After_a_pause_of_any_length_all_that_became_due_fires_once(int pause)
    {
        Alarm[] due = [.. Enumerable.Range(1, 200).Select(_ => new Alarm())];
        var later = new Alarm();
        for (int i = 0; i < due.Length; i++) due[i].Set(_wheel, (long)pause * i / due.Length);
        later.Set(_wheel, pause + 1);

        _wheel.Advance(pause);
        Assert.Equal(0, later.Fired);
        _wheel.Advance(pause + Tick);

        Assert.All(due, alarm => Assert.Equal(1, alarm.Fired));
    }

    [Fact]
    public void One_that_fails_leaves_the_others_of_its_slot_their_turn()
    {
        Alarm[] alarms = [new(), new(), new()];
        foreach (Alarm alarm in alarms)
        {
            alarm.Then = () => throw new InvalidOperationException("mine");
            alarm.Set(_wheel, 100);
        }

        for (int now = 200; now < 1000; now += Tick)
        {
            try
            {
                _wheel.Advance(now);
            }
            catch (InvalidOperationException)
            {
            }
        }

        Assert.All(alarms, alarm => Assert.Equal(1, alarm.Fired));
    }

    // Set one of eight after some time, unset one, or let time pass.
    private static readonly Gen<(int Kind, int Which, int Milliseconds)[]> Stories =
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 7], Gen.OneOf(Gen.Int[0, 300], Gen.Int[0, 3 * Round])).Array[1, 60];

    [Fact]
    public void Whatever_is_set_unset_and_waited_the_wheel_does_as_a_plain_list_would() => Stories.Sample(story =>
    {
        var wheel = new TimerWheel();
        Alarm[] alarms = [.. Enumerable.Range(0, 8).Select(_ => new Alarm())];
        long?[] due = new long?[alarms.Length];
        long now = 0;
        foreach ((int kind, int which, int milliseconds) in story)
        {
            switch (kind)
            {
                case 0 or 1 or 2:
                    alarms[which].Set(wheel, now + milliseconds);
                    due[which] = now + milliseconds;
                    break;
                case 3:
                    alarms[which].Unset(wheel);
                    due[which] = null;
                    break;
                default:
                    now += milliseconds;
                    wheel.Advance(now);
                    break;
            }

            for (int i = 0; i < alarms.Length; i++)
            {
                bool fired = alarms[i].TakeFired();
                if (fired) Assert.True(due[i] <= now, $"{i} fired at {now} instead of {due[i]}");
                else if (kind > 3) Assert.False(due[i] <= now - Tick, $"{i} did not fire at {now}, due at {due[i]}");
                if (fired) due[i] = null;
            }

            // A loop that sleeps as long as it is sent is never later than a tick, and never told to spin.
            int wait = wheel.MillisecondsToNext(now);
            if (due.Min() is { } next) Assert.InRange(wait, 0L, Math.Max(0, next + Tick - now));
            if (kind > 3) Assert.NotEqual(0, wait);
        }
    }, iter: 3000);

    [Fact]
    public void A_loop_that_sleeps_to_the_next_slot_reaches_any_deadline_in_a_few_sleeps() => Gen.Int[1, 5 * Round].Sample(due =>
    {
        var wheel = new TimerWheel();
        var alarm = new Alarm();
        alarm.Set(wheel, due);
        long now = 0;
        for (int sleeps = 0; sleeps < 7 && alarm.Fired == 0; sleeps++)
        {
            now += wheel.MillisecondsToNext(now);
            wheel.Advance(now);
        }

        Assert.Equal(1, alarm.Fired);
        Assert.InRange(now, due, due + Tick);
        Assert.Equal(-1, wheel.MillisecondsToNext(now));
    }, iter: 1000);

    private sealed class Alarm : ITimerOwner
    {
        private TimerEntry _entry;
        private int _taken;

        public ref TimerEntry Timer => ref _entry;

        public int Fired { get; private set; }

        public Action? Then { get; set; }

        public void Set(TimerWheel wheel, long due) => wheel.Schedule(this, due);

        public void Unset(TimerWheel wheel) => wheel.Cancel(this);

        public bool TakeFired()
        {
            bool fired = Fired > _taken;
            Assert.InRange(Fired - _taken, 0, 1);
            _taken = Fired;
            return fired;
        }

        public void OnDue(long nowMilliseconds)
        {
            Fired++;
            Then?.Invoke();
        }
    }
}
