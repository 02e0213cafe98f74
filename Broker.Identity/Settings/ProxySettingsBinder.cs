using Broker.Configuration;

namespace Broker.Identity.Settings;

/// <summary>Reads <see cref="ProxySettings"/>.</summary>
internal static class ProxySettingsBinder
{
    private const string Root = "broker.proxy";
    private const string Names = "a list of names of headers, none of which HTTP itself needs, such as [\"Cookie\", \"Authorization\"]";
    private const string Lines =
        "a list of headers with a name and a value each, none of which HTTP itself needs, such as [\"Authorization: Bearer abc\"]";

    // "token = 1*tchar", RFC 9110 section 5.6.2.
    private const string TokenLetters = "!#$%&'*+-.^_`|~";

    // What the hub or HTTP itself writes; a client's would break the request or lie about who sent it.
    private static readonly string[] ReservedHeaders =
        ["Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Host", "Upgrade", "Keep-Alive", "TE", "Trailer", "Expect",
            "Proxy-Connection"];

    internal static ProxySettings Read(SettingsReader reader)
    {
        TimeSpan minute = TimeSpan.FromMinutes(1);
        var settings = new ProxySettings
        {
            Connect = ReadEndpoint(reader, "connect"),
            Refresh = ReadEndpoint(reader, "refresh"),
            Subscribe = ReadEndpoint(reader, "subscribe"),
            Publish = ReadEndpoint(reader, "publish"),
            SubRefresh = ReadEndpoint(reader, "sub-refresh"),
            Rpc = ReadEndpoint(reader, "rpc"),
            Timeout = reader.GetDuration($"{Root}.timeout", TimeSpan.FromMilliseconds(10), minute),
            Headers = reader.GetList<string>($"{Root}.headers", Names, TryReadName),
            EmulatedHeaders = reader.GetList<string>($"{Root}.emulated-headers", Names, TryReadName),
            StaticHeaders = reader.GetList<KeyValuePair<string, string>>($"{Root}.static-headers", Lines, TryReadLine),
            Binary = reader.GetSwitch($"{Root}.binary"),
            IncludeMeta = reader.GetSwitch($"{Root}.include-meta"),
            ConcurrencyMax = reader.GetCount($"{Root}.concurrency-max", 1, 65_536),
            WaitingMax = reader.GetCount($"{Root}.waiting-max", 0, 1_000_000),
            AnswerBytesMax = reader.GetSize($"{Root}.answer-bytes-max", 1024, 64 * 1024 * 1024),
            CircuitFailures = reader.GetCount($"{Root}.circuit.failures", 0, 1_000_000),
            CircuitPause = reader.GetDuration($"{Root}.circuit.pause", TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1)),
        };
        if (settings.Refresh is not null && settings.Connect is null)
            reader.Refuse(
                $"{Root}.refresh",
                    $"nothing, because {Root}.connect is not set: only connections that the backend admitted are refreshed by it");
        return settings;
    }

    private static Uri? ReadEndpoint(SettingsReader reader, string name)
    {
        string text =
            reader.GetText(
                $"{Root}.{name}", "nothing, or an http or https URL, such as http://127.0.0.1:3000/connect", static text =>
                    text.Length == 0 || TryReadUrl(text, out _));
        return text.Length > 0 && TryReadUrl(text, out Uri? url) ? url : null;
    }

    private static bool TryReadUrl(string text, out Uri? url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
            && url.UserInfo.Length == 0;

    private static bool TryReadName(string text, out string? name)
    {
        name = text;
        return IsForwardable(text);
    }

    private static bool TryReadLine(string line, out KeyValuePair<string, string> header)
    {
        int end = line.IndexOf(':');
        header = end > 0 ? KeyValuePair.Create(line[..end], line[(end + 1)..].Trim()) : default;
        return end > 0 && IsForwardable(line[..end]) && !line.Any(char.IsControl);
    }

    private static bool IsForwardable(string name) =>
        name.Length > 0 && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || TokenLetters.Contains(letter))
        && !ReservedHeaders.Contains(name, StringComparer.OrdinalIgnoreCase);
}
