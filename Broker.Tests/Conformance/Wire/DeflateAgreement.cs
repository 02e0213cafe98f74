using System.Globalization;

namespace Broker.Tests.Conformance.Wire;

/// <summary>What both sides agreed on for permessage-deflate. RFC 7692 section 7.1.</summary>
/// <param name="ClientWindowBits">The window the client compresses with, 8 to 15.</param>
/// <param name="ServerWindowBits">The window the server compresses with, 8 to 15.</param>
/// <param name="ClientKeepsContext">Whether the client's messages may refer to earlier ones.</param>
/// <param name="ServerKeepsContext">Whether the server's messages may refer to earlier ones.</param>
public sealed record DeflateAgreement(
    int ClientWindowBits, int ServerWindowBits, bool ClientKeepsContext, bool ServerKeepsContext)
{
    private const string Extension = "permessage-deflate";

    /// <summary>Reads the server's answer and holds it against what was offered.</summary>
    /// <param name="offer">The value of the request's Sec-WebSocket-Extensions: one or more offers.</param>
    /// <param name="answer">The value of the response's, or null if it had none: then nothing was agreed.</param>
    /// <returns>The agreement, or null without one.</returns>
    /// <exception cref="HandshakeException">The answer accepts no offer as RFC 7692 asks for it.</exception>
    public static DeflateAgreement? Read(string offer, string? answer)
    {
        if (answer is null) return null;
        if (answer.Contains(',', StringComparison.Ordinal)) throw new HandshakeException($"two extensions accepted: {answer}");

        Dictionary<string, string?> accepted = Parameters(answer);
        foreach ((string name, string? value) in accepted) CheckParameter(name, value);
        if (!offer.Split(',').Any(one => Accepts(Parameters(one), accepted)))
        {
            throw new HandshakeException($"the answer '{answer}' leaves out what the offer '{offer}' asks the server for");
        }

        return new DeflateAgreement(
            Bits(accepted, "client_max_window_bits"),
            Bits(accepted, "server_max_window_bits"),
            !accepted.ContainsKey("client_no_context_takeover"),
            !accepted.ContainsKey("server_no_context_takeover"));
    }

    /// <summary>Whether an answer keeps to one offer: it confirms every wish about the server, and sets no window unasked.</summary>
    private static bool Accepts(Dictionary<string, string?> offered, Dictionary<string, string?> accepted)
    {
        if (offered.ContainsKey("server_no_context_takeover") && !accepted.ContainsKey("server_no_context_takeover")) return false;
        if (accepted.ContainsKey("client_max_window_bits") && !offered.ContainsKey("client_max_window_bits")) return false;
        if (!offered.ContainsKey("server_max_window_bits")) return true;

        return accepted.ContainsKey("server_max_window_bits")
            && Bits(accepted, "server_max_window_bits") <= Bits(offered, "server_max_window_bits");
    }

    private static void CheckParameter(string name, string? value)
    {
        bool known = name switch
        {
            "client_no_context_takeover" or "server_no_context_takeover" => value is null,
            "client_max_window_bits" or "server_max_window_bits" => IsWindow(value),
            _ => false,
        };
        if (!known) throw new HandshakeException($"'{name}={value}' is no parameter of an answer for {Extension}");
    }

    // Section 7.1.2.1: "a decimal integer value without leading zeroes between 8 and 15".
    private static bool IsWindow(string? value) =>
        value is "8" or "9" or "10" or "11" or "12" or "13" or "14" or "15";

    private static int Bits(Dictionary<string, string?> parameters, string name) =>
        parameters.TryGetValue(name, out string? value) && value is not null ? int.Parse(value, CultureInfo.InvariantCulture) : 15;

    private static Dictionary<string, string?> Parameters(string extension)
    {
        string[] parts = extension.Split(';', StringSplitOptions.TrimEntries);
        if (parts[0] != Extension) throw new HandshakeException($"an extension was accepted that was not offered: {parts[0]}");

        var parameters = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (string part in parts[1..])
        {
            string[] pair = part.Split('=', 2, StringSplitOptions.TrimEntries);
            string? value = pair.Length == 2 ? pair[1].Trim('"') : null;
            if (!parameters.TryAdd(pair[0], value)) throw new HandshakeException($"{pair[0]} stands twice in '{extension}'");
        }

        return parameters;
    }
}
