using System.Buffers.Binary;
using static Broker.Tests.Hostile.HostileClient;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>A native connection by hand: what was answered so far, in words.</summary>
internal sealed class NativeTalk(Attacker client, CancellationToken stop) : IDisposable
{
    private readonly List<string> _received = [];

    /// <summary>Everything that has been answered.</summary>
    public IReadOnlyList<string> Received => _received;

    /// <summary>The code of the Close frame that came; 0 while none has.</summary>
    public int CloseCode => client.CloseCode;

    /// <summary>Says hello with a window of one chunk, and waits for welcome.</summary>
    public static async Task<NativeTalk> BeginAsync(Attacker client, CancellationToken stop)
    {
        var talk = new NativeTalk(client, stop);
        await talk.SendAsync(HostileNativeClient.HelloOf(version: 1, longest: 1 << 20, chunks: 1));
        Assert.True(await talk.WaitForAsync("welcome"), $"No welcome: {client.CloseCode} {client.CloseReason}");
        return talk;
    }

    /// <summary>Forgets what has been answered.</summary>
    public void Clear() => _received.Clear();

    /// <summary>Sends messages in one frame.</summary>
    public async Task SendAsync(params IReadOnlyList<byte[]> messages)
    {
        // What the host says of it is read afterwards, also where it has ended the connection.
        await client.TrySendAsync(Frame(Binary, [.. messages.SelectMany(static each => each)]), stop);
    }

    /// <summary>Reads until something is answered.</summary>
    /// <returns>False if the connection has ended before.</returns>
    public async Task<bool> WaitForAsync(string answer)
    {
        while (!_received.Contains(answer))
        {
            (byte first, ReadOnlyMemory<byte> payload) = await client.ReadFrameAsync(stop);
            if (first is Close or 0) return false;
            if (first == Binary) Take(payload.Span[1..]);
        }

        return true;
    }

    /// <summary>Reads to the end of the connection.</summary>
    /// <returns>The code of the Close frame, or 0.</returns>
    public Task<int> ReadToEndAsync() => client.ReadToEndAsync(stop);

    private void Take(ReadOnlySpan<byte> messages)
    {
        while (!messages.IsEmpty)
        {
            int end = 5 + BinaryPrimitives.ReadInt32LittleEndian(messages[1..]);
            ReadOnlySpan<byte> body = messages[5..end];
            _received.Add(messages[0] switch
            {
                HostileNativeClient.Welcome => "welcome",
                HostileNativeClient.Pong => "pong",
                HostileNativeClient.Error => FormattableString.Invariant($"error {BinaryPrimitives.ReadUInt16LittleEndian(body[1..])}"),
                HostileNativeClient.Fault => FormattableString.Invariant($"fault {BinaryPrimitives.ReadUInt16LittleEndian(body[4..])}"),
                0x11 => "subscribed",
                0x15 => "published",
                0x21 => "result",
                0x31 => "chunk",
                0x33 => "stream-cancel",
                byte kind => FormattableString.Invariant($"{kind:x2}"),
            });
            messages = messages[end..];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();
}
