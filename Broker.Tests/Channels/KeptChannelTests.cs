using Broker.Actors.Channels.Delivery;
using System.Text;
using System.Threading.Channels;
using Broker.Actors.Channels;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;
using Microsoft.Extensions.Time.Testing;
using static Broker.Actors.Channels.Home.ChannelHomeProtocol;

namespace Broker.Tests.Channels;

/// <summary>The home of channels, with a history and without, over a store that answers at once and over one that does not.</summary>
public sealed class KeptChannelTests
{
    private static readonly ChannelNamespaces s_namespaces = new(new ChannelNamespace(),
    [
        new ChannelNamespace { Name = "kept", History = new HistoryOptions { Size = 3, Ttl = TimeSpan.FromMinutes(1) }, Recovery = true,
            Presence = true },
        new ChannelNamespace { Name = "cache", History = new HistoryOptions { Size = 1, Ttl = TimeSpan.FromMinutes(1) }, Recovery = true,
            RecoveryMode = RecoveryMode.Cache },
    ]);

    private readonly FakeTimeProvider _time = new();
    private readonly Listener _listener = new();
    private readonly HomeThread _thread = new();
    private readonly LateStore _store;
    private readonly ChannelHome _home;

    public KeptChannelTests()
    {
        _store = new LateStore(new MemoryHistoryStore(_time, new HistoryBudget(1 << 20)));
        var settings = new HistorySettings { RecoveryBytesMax = 100 };
        _home = new ChannelHome(new ChannelHomeContext(s_namespaces, settings, _time), _store, _thread);
    }

    [Fact]
    public void Publications_are_kept_without_a_subscriber_and_recovered()
    {
        StreamPosition first = Publish("kept:a", "1").Position;
        Publish("kept:a", "2");
        StreamPosition last = Publish("kept:a", "3").Position;

        Attached attached = Attach("kept:a", first);

        Assert.Equal((true, true, last), (attached.Recovered, attached.Recoverable, attached.Position));
        Assert.Equal("2 3", Texts(attached.Missed!));
    }

    [Fact]
    public void Offsets_go_on_when_the_last_subscriber_has_gone()
    {
        Attach("kept:a");
        Publish("kept:a", "1");
        _home.Detach(new Detach("kept:a"), _listener);
        Publish("kept:a", "2");
        Attached attached = Attach("kept:a");
        Publish("kept:a", "3");

        Assert.Equal(2UL, attached.Position.Offset);
        Assert.Equal("1 3", Texts(_listener.Delivered));
        Assert.Equal([1UL, 3UL], _listener.Delivered.Select(each => each.Offset));
    }

    [Fact]
    public void What_is_gone_is_not_recovered()
    {
        StreamPosition first = Publish("kept:a", "1").Position;
        for (int i = 2; i <= 6; i++) Publish("kept:a", $"{i}");

        Attached attached = Attach("kept:a", first);

        Assert.Equal((false, true), (attached.Recovered, attached.Missed is null));
        Assert.Equal(6UL, attached.Position.Offset);
    }

    [Fact]
    public void More_bytes_than_the_bound_are_not_recovered()
    {
        StreamPosition first = Publish("kept:a", "1").Position;
        Publish("kept:a", new string('x', 60));
        Assert.True(Attach("kept:a", first).Recovered);
        Publish("kept:a", new string('x', 60));

        Assert.False(Attach("kept:a", first).Recovered);
    }

    [Fact]
    public void A_cache_gives_the_newest()
    {
        for (int i = 1; i <= 3; i++) Publish("cache:a", $"{i}");

        Assert.Equal("3", Texts(Attach("cache:a", default(StreamPosition)).Missed!));
    }

    [Fact]
    public void An_unknown_namespace_is_an_error_of_every_command()
    {
        Assert.Equal(HubError.UnknownChannel, Attach("nowhere:a").Error);
        Assert.Equal(HubError.UnknownChannel, Publish("nowhere:a", "1").Error);
        Assert.Equal(HubError.UnknownChannel, _home.ReadPresence("nowhere:a").Error);
    }

    [Fact]
    public async Task History_is_available_where_the_namespace_has_it()
    {
        Publish("kept:a", "1");

        Assert.Equal("1", Texts((await _home.ReadAsync("kept:a", HistoryQuery.All)).Page!.Publications));
        Assert.Equal(HubError.NotAvailable, (await _home.ReadAsync("plain", HistoryQuery.All)).Error);
        Assert.Equal(
            HubError.UnrecoverablePosition,
                (await _home.ReadAsync("kept:a", new HistoryQuery(new StreamPosition(7, 1), HistoryQuery.NoLimit))).Error);
        Assert.Equal(
            HubError.BadRequest, (await _home.ReadAsync("kept:a", new HistoryQuery(new StreamPosition(0, 0), 10, Reverse: true))).Error);
        Assert.Null(await _home.RemoveAsync("kept:a"));
        Assert.Empty((await _home.ReadAsync("kept:a", HistoryQuery.All)).Page!.Publications);
    }

    [Theory]
    [InlineData("kept:a")]
    [InlineData("plain")]
    public void A_known_key_is_answered_again_and_not_sent(string channel)
    {
        Attach(channel);
        var options = new PublishOptions { IdempotencyKey = "k" };

        Published first = Publish(channel, "1", options), again = Publish(channel, "1", options);

        Assert.Equal((first.Position, true, 0), (again.Position, again.Suppressed, again.Receivers));
        Assert.Single(_listener.Delivered);
    }

    [Fact]
    public void A_publication_that_skips_its_history_takes_no_offset()
    {
        Attach("kept:a");
        Publish("kept:a", "1");
        Published skipped = Publish("kept:a", "2", new PublishOptions { SkipsHistory = true });
        Publish("kept:a", "3");

        Assert.Equal(default, skipped.Position);
        Assert.Equal([1UL, 0UL, 2UL], _listener.Delivered.Select(each => each.Offset));
    }

    [Fact]
    public void Presence_lasts_as_long_as_the_subscriber()
    {
        Attach("kept:a");
        Assert.True(_home.Join("kept:a", new ClientInfo("42", "c")));
        Assert.Equal(1, _home.ReadPresence("kept:a").Members!.Count);
        Assert.Equal("42", _home.Leave("kept:a", "c")!.User);

        Assert.Equal(0, _home.ReadPresence("kept:a").Members!.Count);
        Assert.Equal(HubError.NotAvailable, _home.ReadPresence("plain").Error);
    }

    [Fact]
    public async Task A_store_that_answers_later_delivers_later_and_in_order()
    {
        Attach("kept:a");
        _store.IsLate = true;
        ValueTask<Published> first = _home.PublishAsync(Message("kept:a", "1")), second = _home.PublishAsync(Message("kept:a", "2"));
        Assert.Empty(_listener.Delivered);

        _store.Finish();
        _store.Finish();
        Assert.Empty(_listener.Delivered);          // Only on the home's own thread.
        Published[] published = [await _thread.RunUntilAsync(first.AsTask()), await _thread.RunUntilAsync(second.AsTask())];

        Assert.Equal("1 2", Texts(_listener.Delivered));
        Assert.Equal([1UL, 2UL], published.Select(each => each.Position.Offset));
    }

    [Fact]
    public async Task A_store_that_fails_is_an_internal_error_and_nothing_is_delivered()
    {
        Attach("kept:a");
        _store.IsLate = true;
        ValueTask<Published> published = _home.PublishAsync(Message("kept:a", "1"));

        _store.Fail(new IOException("full"));

        Assert.Equal(HubError.Internal, (await _thread.RunUntilAsync(published.AsTask())).Error);
        Assert.Empty(_listener.Delivered);
    }

    private Published Publish(string channel, string text, PublishOptions? options = null) =>
        Now(_home.PublishAsync(Message(channel, text, options)));

    private Attached Attach(string channel, StreamPosition? after = null) =>
        Now(_home.AttachAsync(new Attach(channel, 1) { After = after }, _listener));

    private static Publish Message(string channel, string text, PublishOptions? options = null) =>
        new(channel, 1, new Publication { Data = Encoding.UTF8.GetBytes(text) }, options ?? PublishOptions.None);

    private static T Now<T>(ValueTask<T> answer)
    {
        Assert.True(answer.IsCompletedSuccessfully);
        return answer.AsTask().Result;
    }

    private static string Texts(IEnumerable<Publication> publications) =>
        string.Join(' ', publications.Select(each => Encoding.UTF8.GetString(each.Data.Span)));

    private sealed class Listener : IChannelListener
    {
        internal List<Publication> Delivered { get; } = [];

        public int Deliver(in Deliver delivery)
        {
            Delivered.Add(delivery.Publication);
            return 1;
        }
    }

    private sealed class HomeThread : IHomeThread
    {
        private readonly Channel<Action> _actions = Channel.CreateUnbounded<Action>();

        public void Post(Action action) => _actions.Writer.TryWrite(action);

        internal async Task<T> RunUntilAsync<T>(Task<T> done)
        {
            while (!done.IsCompleted)
            {
                await Task.WhenAny(done, _actions.Reader.WaitToReadAsync().AsTask());
                while (_actions.Reader.TryRead(out Action? action)) action();
            }

            return await done;
        }
    }

    // Keeps at once, and answers appends when it is told to.
    private sealed class LateStore(MemoryHistoryStore inner) : IHistoryStore
    {
        private readonly Queue<(TaskCompletionSource<AppendResult> Answer, AppendResult Result)> _pending = new();

        internal bool IsLate { get; set; }

        public HistoryPromise Promise => HistoryPromise.Machine;

        public ValueTask<AppendResult> AppendAsync(string channel, in HistoryAppend append, HistoryOptions options)
        {
            AppendResult result = inner.Append(channel, append, options);
            if (!IsLate) return new(result);
            var answer = new TaskCompletionSource<AppendResult>();
            _pending.Enqueue((answer, result));
            return new(answer.Task);
        }

        internal void Finish()
        {
            (TaskCompletionSource<AppendResult> answer, AppendResult result) = _pending.Dequeue();
            answer.SetResult(result);
        }

        internal void Fail(Exception failure) => _pending.Dequeue().Answer.SetException(failure);

        public ValueTask<HistoryPage> ReadAsync(string channel, HistoryQuery query, HistoryOptions options) =>
            inner.ReadAsync(channel, query, options);

        public ValueTask RemoveAsync(string channel) => inner.RemoveAsync(channel);

        public bool Sweep(int channelsMax) => inner.Sweep(channelsMax);

        public void Dispose() => inner.Dispose();
    }
}
