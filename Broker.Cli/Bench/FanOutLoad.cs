namespace Broker.Cli.Bench;

/// <summary>Publishers and their subscribers.</summary>
internal sealed class FanOutLoad(FanOutPlan plan, string token, Dialer dialer, LoadMeter meter, RunControl control) : ILoad
{
    private const int AnswerBytes = 4096;
    private static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(5);

    private readonly CentrifugeLink?[] _links = new CentrifugeLink?[plan.Publishers + plan.Subscribers];     // Publishers first.
    private readonly Publisher[] _publishers = new Publisher[plan.Publishers];
    private readonly Subscriber[] _subscribers = new Subscriber[plan.Subscribers];

    /// <inheritdoc/>
    public async Task OpenAsync()
    {
        OpenFiles.Check(_links.Length, OpenFiles.Limit);
        control.EnterOpening(_links.Length);
        await Dialer.OpenAllAsync(_links.Length, async (number, cancellationToken) =>
        {
            int subscriber = number - plan.Publishers;
            _links[number] = subscriber < 0
                ? await CentrifugeLink.OpenAsync(dialer, token, AnswerBytes, channel: null, cancellationToken).ConfigureAwait(false)
                : await CentrifugeLink.OpenAsync(dialer, token, plan.Bytes, plan.NameOf(plan.ChannelOf(subscriber)), cancellationToken)
                .ConfigureAwait(false);
        }, control.Stopping).ConfigureAwait(false);

        for (int i = 0; i < _publishers.Length; i++) _publishers[i] = new Publisher(i, _links[i]!, plan, meter, control);
        for (int i = 0; i < _subscribers.Length; i++)
            _subscribers[i] = new Subscriber(i, _links[plan.Publishers + i]!, plan, _publishers, meter, control);
    }

    /// <inheritdoc/>
    public async Task RunAsync()
    {
        Task all = Task.WhenAll(
            [
                .. _subscribers.Select(subscriber => Task.Run(subscriber.RunAsync)),
                .. _publishers.Select(publisher => Task.Run(publisher.ReadAsync)),
                .. _publishers.Select(publisher => Task.Run(publisher.PublishAsync)),
            ]);
        while (!control.Aborting.IsCancellationRequested && !Array.TrueForAll(_publishers, publisher => publisher.IsSettled))
        {
            await Task.Delay(s_glance).ConfigureAwait(false);
        }

        control.End();
        await CloseAsync().ConfigureAwait(false);
        control.Abort();
        await all.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Tally Count()
    {
        var tally = default(Tally);
        foreach (Subscriber subscriber in _subscribers) subscriber?.AddTo(ref tally);
        return tally;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    private Task CloseAsync() => Task.WhenAll(_links.OfType<CentrifugeLink>().Select(link => link.DisposeAsync().AsTask()));
}
