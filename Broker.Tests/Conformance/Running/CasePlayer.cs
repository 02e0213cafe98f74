using System.Diagnostics;
using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Running;

/// <summary>Plays one case on one connection: its steps, then the end that it wants.</summary>
/// <param name="played">The case.</param>
/// <param name="connector">Opens the connection.</param>
/// <param name="settings">Scale and patience.</param>
public sealed class CasePlayer(ConformanceCase played, IConformanceConnector connector, ConformanceSettings settings)
{
    private static readonly TimeSpan OpeningLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ClosingLimit = TimeSpan.FromSeconds(1);   // Each for the close frame and for the end.

    private PlayNotes _notes = new();

    /// <summary>Plays the case and judges it. Never throws for what a server does.</summary>
    public async Task<CaseResult> PlayAsync()
    {
        long start = Stopwatch.GetTimestamp();
        ConformanceClient client;
        try
        {
            using CancellationTokenSource opening = LimitOf(OpeningLimit);
            client = await ConformanceClient.OpenAsync(connector, played.ExtensionOffer, !played.IsExchange, opening.Token);
        }
        catch (Exception e) when (e is HandshakeException or IOException or OperationCanceledException
            or System.Net.Sockets.SocketException or HttpRequestException)
        {
            return new CaseResult(played, Behaviour.Failed, Closing.Failed, $"no handshake: {e.Message}", Stopwatch.GetElapsedTime(start));
        }

        await using (client)
        {
            using CancellationTokenSource limit = LimitOf(played.Limit);
            await PlayStepsAsync(client, limit);
            await EndAsync(client, limit.Token);
        }

        Transcript seen = client.Transcript;
        Closing closing = Judge.JudgeClosing(played, seen);
        Behaviour behaviour = Judge.JudgeBehaviour(played, seen, _notes, closing);
        return new CaseResult(played, behaviour, closing, Describe(seen), Stopwatch.GetElapsedTime(start));
    }

    private async Task PlayStepsAsync(ConformanceClient client, CancellationTokenSource limit)
    {
        if (played.ExtensionOffer is not null && client.Deflater is null)
        {
            _notes = _notes with { Unimplemented = true };
            return;
        }

        for (int i = 0; i < played.Steps.Count; i++)
        {
            if (client.Transcript.IsEnding)
            {
                // An end before a pause is as early as one in it.
                CaseStep.Pause? missed = played.Steps.Skip(i).OfType<CaseStep.Pause>().FirstOrDefault();
                _notes = _notes with { EndedInPause = _notes.EndedInPause ?? missed?.EndIs };
                return;
            }

            switch (played.Steps[i])
            {
                case CaseStep.Send send: await client.SendAsync(send.Frames, send.Manner, limit.Token); break;
                case CaseStep.SendOctets part: await client.SendOctetsAsync(part.Octets, limit.Token); break;
                case CaseStep.Pause pause: await PauseAsync(client, pause, limit); break;
                case CaseStep.Exchange exchange: await ExchangeAsync(client, exchange, limit.Token); break;
            }
        }
    }

    private async Task PauseAsync(ConformanceClient client, CaseStep.Pause pause, CancellationTokenSource limit)
    {
        limit.CancelAfter(Timeout.InfiniteTimeSpan);

        // Where the end is what has to come, the pause is a limit.
        using var end = new CancellationTokenSource(pause.EndIs == Behaviour.Ok ? pause.Time * settings.Patience : pause.Time);
        bool ended = await client.Transcript.WaitUntilAsync(() => client.Transcript.IsEnding, end.Token);
        if (ended) _notes = _notes with { EndedInPause = pause.EndIs };
        limit.CancelAfter(played.Limit * settings.Patience);
    }

    private async Task ExchangeAsync(ConformanceClient client, CaseStep.Exchange exchange, CancellationToken limit)
    {
        Transcript seen = client.Transcript;
        int messages = settings.CountOf(exchange.Messages);
        for (int i = 0; i < messages; i++)
        {
            Octets message = exchange.MessageAt(i);
            Octets sent = client.Deflater is { } deflater ? Octets.Of(deflater.Compress(message.ToArray())) : message;
            int reserved = client.Deflater is null ? 0 : 4;
            WireFrame[] frames = [.. WireFrame.Fragments((int)exchange.Kind, sent, exchange.FragmentSize, reserved)];
            await client.SendAsync(frames, SendManner.Plain, limit);

            bool came = await seen.WaitUntilAsync(() => seen.Events.Count > 0 || seen.IsEnding, limit);
            if (!came || !seen.TryTake(out Received? echo))
            {
                _notes = _notes with { ExchangeFailure = $"no echo of message {i + 1} of {messages}" };
                return;
            }

            if (!new Expected(exchange.Kind, message).Matches(echo!))
            {
                _notes = _notes with { ExchangeFailure = $"message {i + 1} of {messages} came back as {echo}, not as {message}" };
                return;
            }
        }
    }

    private async Task EndAsync(ConformanceClient client, CancellationToken limit)
    {
        Transcript seen = client.Transcript;
        if (played.Closing.Closer == Side.Server)
        {
            await seen.WaitUntilAsync(() => seen.IsEnding, limit);
        }
        else if (!seen.ClientCloseSent && _notes.ExchangeFailure is null)
        {
            await seen.WaitUntilAsync(() => seen.IsEnding || played.Outcomes.Any(o => o.Matches(seen.Events)), limit);
        }

        // The server has ended it: the client's answer is on its way, and the rest of the limit is for the stream's end.
        if (seen.EndedBy == Side.Server)
        {
            await seen.WaitUntilAsync(() => seen.DroppedByServer, limit);
            return;
        }

        using (CancellationTokenSource closing = LimitOf(ClosingLimit))
        {
            bool asWanted = played.Closing.Closer == Side.Client && !limit.IsCancellationRequested;
            if (!seen.IsEnding) await client.SendAsync([WireFrame.Close(asWanted ? 1000 : 1001)], SendManner.Plain, closing.Token);
            await seen.WaitUntilAsync(() => seen.ServerClose is not null || seen.DroppedByServer, closing.Token);
        }

        using CancellationTokenSource dropping = LimitOf(ClosingLimit);
        await seen.WaitUntilAsync(() => seen.DroppedByServer, dropping.Token);
    }

    private CancellationTokenSource LimitOf(TimeSpan limit) => new(limit * settings.Patience);

    private string Describe(Transcript seen)
    {
        string events = seen.Events.Count == 0 ? "no event" : string.Join(", ", seen.Events);
        string close = seen.ServerClose?.ToString() ?? "no close frame";
        string drop = seen.DroppedByServer ? "dropped by the server" : "dropped by the client";
        string?[] notes = [_notes.ExchangeFailure, seen.Violation, events, $"ended by the {seen.EndedBy}: {close}, {drop}"];
        return string.Join("; ", notes.Where(note => note is not null));
    }
}
