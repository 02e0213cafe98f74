using System.Text;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;

namespace Broker.Tests.Support;

/// <summary>Lets everyone in that a test does not want out, and writes down what it was told.</summary>
internal sealed class RecordingAcceptor(WebSocketEndpoint endpoint) : IConnectionAcceptor
{
    public List<RecordingHandler> Handlers { get; } = [];

    public List<(Connection Connection, Closure Closure)> Ends { get; } = [];

    /// <summary>Whether a handler is attached while <see cref="Opened"/> runs; if not, a test attaches it.</summary>
    public bool AttachesAtOnce { get; set; } = true;

    /// <summary>Runs right after a handler was attached.</summary>
    public Action<RecordingHandler>? Attached { get; set; }

    /// <summary>Refuses the one that comes, until this.</summary>
    public TimeSpan? RetryAfter { get; set; }

    public bool TakesPlainHttp { get; set; }

    public HandedOver? Taken { get; private set; }

    public WebSocketEndpoint? Find(UpgradeRequest request) => request.Path == endpoint.Path ? endpoint : null;

    public bool MayOpen(out TimeSpan retryAfter)
    {
        retryAfter = RetryAfter ?? TimeSpan.Zero;
        return RetryAfter is null;
    }

    public bool TryHandOver(Func<HandedOver> take)
    {
        if (TakesPlainHttp) Taken = take();
        return TakesPlainHttp;
    }

    public void Opened(Connection connection, UpgradeRequest request)
    {
        var handler = new RecordingHandler(connection);
        Handlers.Add(handler);
        if (!AttachesAtOnce) return;
        connection.Attach(handler);
        Attached?.Invoke(handler);
    }

    public void Ended(Connection connection, Closure closure) => Ends.Add((connection, closure));
}

/// <summary>Reads every message as text, unless a test gives it something else to do.</summary>
internal sealed class RecordingHandler(Connection connection) : IConnectionHandler
{
    public Connection Connection { get; } = connection;

    public List<string> Messages { get; } = [];

    public List<Closure> Ends { get; } = [];

    public int Deadlines { get; private set; }

    public int CallsAfterEnd { get; private set; }

    /// <summary>Takes the place of reading the messages.</summary>
    public Action<Turn>? Received { get; set; }

    public Action? Due { get; set; }

    public Action? Ended { get; set; }

    public static void Echo(Turn turn)
    {
        while (turn.TryRead(out Message message)) turn.Echo(message);
    }

    public void OnReceived(Turn turn)
    {
        CountCall();
        if (Received is not null) Received(turn);
        while (turn.TryRead(out Message message)) Messages.Add(Encoding.UTF8.GetString(message.Payload));
    }

    public void OnDeadline()
    {
        CountCall();
        Deadlines++;
        Due?.Invoke();
    }

    public void OnEnded(Closure closure)
    {
        Ends.Add(closure);
        Ended?.Invoke();
    }

    private void CountCall()
    {
        if (Ends.Count > 0) CallsAfterEnd++;
    }
}
