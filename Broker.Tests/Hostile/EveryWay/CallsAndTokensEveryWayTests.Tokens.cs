using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using Broker.Tests.EndToEnd;
using Broker.Tests.Identity;
using static Broker.Tests.Hostile.EveryWay.EveryRow;
using static Broker.Tests.Hostile.HostileClient;

namespace Broker.Tests.Hostile.EveryWay;

/// <content>Tokens, compression, and commands that need settings.</content>
public sealed partial class CallsAndTokensEveryWayTests
{
    private const byte Compressed = 0x40;

    private static readonly (string, string) s_deflate = ("Sec-WebSocket-Extensions", "permessage-deflate");

    // Tokens of a connect; the answer is the code of the Close frame, or of the error.
    internal static readonly Dictionary<string, string> Tokens = new()
    {
        ["of a connect is truncated anywhere"] = Sign(3600)[..^5],
        ["of a connect has a megabyte"] = new string('a', 300_000),       // As many as a message here; the limit of a token is 16 KiB.
        ["of a connect has the algorithm none"] = TestTokens.Sign("""{"alg":"none"}""", Claims(3600), static _ => []),
        ["of a connect was changed after it was signed"] = Changed(Sign(3600)),
        ["of a connect is for another issuer or audience"] = Sign(3600, issuer: "them"),
        ["of a connect has expired, the clock's skew allowed for"] = Sign(-60),
    };

    // After connect, this line.
    internal static readonly Dictionary<string, string> Commands = new()
    {
        ["an unknown method of rpc"] = """ "rpc":{"method":"dance"}""",
        ["more than channels-max channels"] = """ "subscribe":{"channel":"fourth"}""",
        ["publish or subscribe, where that is off"] = """ "publish":{"channel":"of others","data":1}""",
        ["of a subscribe has expired"] = $$""" "subscribe":{"channel":"fourth","token":"{{Sign(-60, channel: "fourth")}}"}""",
    };

    // Frames with compression agreed on; the answer is the code of the Close frame.
    internal static readonly Dictionary<string, byte[]> Deflated = new()
    {
        ["a message that inflates past the limit"] = Frame(Binary | Compressed, Deflate(new byte[17 << 20])),
        ["data that is no DEFLATE"] = Frame(Binary | Compressed, [0xff, 0xff, 0xff, 0xff]),
    };

    internal const string NoExtensions = "a field that is no list of extensions", TooManyOfUser =
        "of a connect is its user's, who has too many connections";

    internal const string RefreshExpired = "of a refresh has expired";

    [Theory, MemberData(nameof(Entries))]
    public Task Tokens_have_the_code_of_the_page(EntryPoint entry) => ForEachAsync(Tokens, async (row, token, stop) =>
    {
        using Attacker client = await OpenAsync(entry, stop);
        await client.TrySendAsync(Connect(token), stop);
        return await AnswerAsync(client, stop) is var answer && answer == ErrorPage.Answer(row) ? null : $"{answer}";
    });

    [Theory, MemberData(nameof(Entries))]
    public async Task Connections_and_refreshes_of_a_user_have_the_code_of_the_page(EntryPoint entry)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        string token = Sign(3600, user: $"user of {entry}");
        using Attacker first = await OpenAsync(entry, limit.Token), second = await OpenAsync(entry, limit.Token);
        await first.TrySendAsync(Connect(token), limit.Token);
        Assert.Contains("\"connect\"", await first.ReadTextAsync(limit.Token), StringComparison.Ordinal);
        await second.TrySendAsync(Connect(token), limit.Token);
        Assert.Equal(ErrorPage.Answer(TooManyOfUser), await second.ReadToEndAsync(limit.Token));

        await first.TrySendAsync(Line($"{{\"id\":2,\"refresh\":{{\"token\":\"{Sign(-60, user: $"user of {entry}")}\"}}}}"), limit.Token);
        Assert.Equal(ErrorPage.Answer(RefreshExpired), await AnswerAsync(first, limit.Token));
    }

    [Theory, MemberData(nameof(Entries))]
    public Task Commands_that_need_settings_have_the_error_of_the_page(EntryPoint entry) =>
        ForEachAsync(Commands, async (row, command, stop) =>
    {
        using Attacker client = await (await OpenAsync(entry, stop)).SendConnectAsync(stop);
        string three =
            string.Join('\n', Enumerable.Range(2, 3).Select(static id => $"{{\"id\":{id},\"subscribe\":{{\"channel\":\"c{id}\"}}}}"));
        string before = row == "more than channels-max channels" ? three + "\n" : "";
        await client.TrySendAsync(Line($"{before}{{\"id\":9,{command}}}"), stop);
        string text = "";
        while (!text.Contains("\"id\":9", StringComparison.Ordinal))
        {
            string more = await client.ReadTextAsync(stop);
            if (more.Length == 0) return $"{client.CloseCode}";
            text += more;
        }

        return text.Contains($"{{\"id\":9,\"error\":{{\"code\":{ErrorPage.Answer(row)},", StringComparison.Ordinal) ? null : text;
    });

    [Theory, MemberData(nameof(Entries))]
    public Task Compressed_frames_have_the_code_of_the_page(EntryPoint entry) => ForEachAsync(Deflated, async (row, frame, stop) =>
    {
        using Attacker client = await shared.EntryPoints.OpenAsync(entry, AttackedHost.EchoPath, null, stop, s_deflate);
        await client.TrySendAsync(frame, stop);
        return await client.ReadToEndAsync(stop) is var code && code == ErrorPage.Answer(row) ? null : $"{code}";
    });

    [Theory, MemberData(nameof(Entries))]
    public async Task A_field_that_is_no_list_of_extensions_has_the_status_of_the_page(EntryPoint entry)
    {
        const string field = "permessage-deflate; =";
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        if (entry == EntryPoint.Http2)
        {
            using HttpResponseMessage answer = await shared.EntryPoints.SendConnectAsync(
                AttackedHost.HubPath, null, new Dictionary<string, string> { ["Sec-WebSocket-Extensions"] = field }, limit.Token);
            Assert.Equal((HttpStatusCode)ErrorPage.Answer(NoExtensions), answer.StatusCode);
            return;
        }

        using Attacker client = await shared.EntryPoints.ConnectAsync(entry, limit.Token);
        await client.TrySendAsync(HostileClient.Upgrade(AttackedHost.HubPath, $"Sec-WebSocket-Extensions: {field}\r\n"), limit.Token);
        Assert.StartsWith(
            string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {ErrorPage.Answer(NoExtensions)} "),
                await client.ReadHeadAsync(limit.Token), StringComparison.Ordinal);
    }

    private Task<Attacker> OpenAsync(EntryPoint entry, CancellationToken stop) =>
        shared.EntryPoints.OpenAsync(entry, AttackedHost.HubPath, null, stop);

    // The code of the next error, or of the Close frame.
    private static async Task<int> AnswerAsync(Attacker client, CancellationToken stop)
    {
        const string mark = "\"error\":{\"code\":";
        string text = await client.ReadTextAsync(stop);
        if (text.Length == 0) return client.CloseCode;
        int at = text.IndexOf(mark, StringComparison.Ordinal) + mark.Length;
        return int.Parse(text.AsSpan(at, text.IndexOf(',', at) - at), CultureInfo.InvariantCulture);
    }

    private static byte[] Connect(string token) => Line($"{{\"id\":1,\"connect\":{{\"token\":\"{token}\"}}}}");

    private static string Claims(int seconds, string user = "42", string issuer = StoreEntryPoints.Issuer, string? channel = null)
    {
        long end = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + seconds;
        string more = channel is null ? "" : $",\"channel\":\"{channel}\"";
        return $"{{\"sub\":\"{user}\",\"iss\":\"{issuer}\",\"exp\":{end}{more}}}";
    }

    private static string Sign(int seconds, string user = "42", string issuer = StoreEntryPoints.Issuer, string? channel = null) =>
        TestTokens.Hmac(Claims(seconds, user, issuer, channel), StoreEntryPoints.Secret);

    private static string Changed(string token)
    {
        string[] parts = token.Split('.');
        return $"{parts[0]}.{TestTokens.Hmac(Claims(7200), StoreEntryPoints.Secret).Split('.')[1]}.{parts[2]}";
    }

    // As a message of permessage-deflate whose last block is final, which is allowed: RFC 7692 section 7.2.3.4.
    private static byte[] Deflate(byte[] message)
    {
        using var target = new MemoryStream();
        using (var deflate = new DeflateStream(target, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(message);
        return target.ToArray();
    }
}
