using Broker.Core.Upgrade;

namespace Broker.Core.Deflate;

/// <summary>What a client offers for permessage-deflate. RFC 7692 section 7.1.</summary>
/// <param name="ServerDropsContext">The server's messages may not refer to earlier ones.</param>
/// <param name="ClientDropsContext">The client's messages will not refer to earlier ones.</param>
/// <param name="ServerWindowBits">The largest window that the server may compress with, 8 to 15; none leaves it to the server.</param>
/// <param name="ClientWindowBits">
/// The largest window that the client compresses with, 8 to 15, and that the server may make smaller; none is 15, and the
/// server may not.
/// </param>
public sealed record DeflateOffer(bool ServerDropsContext, bool ClientDropsContext, int? ServerWindowBits, int? ClientWindowBits)
{
    /// <summary>The extension's name.</summary>
    public const string Extension = "permessage-deflate";

    /// <summary>The largest window, 32 KiB, as an exponent of two.</summary>
    public const int WindowBitsMax = 15;

    /// <summary>The smallest window, 256 bytes.</summary>
    public const int WindowBitsMin = 8;

    /// <summary>Finds the first offer that can be accepted; the client's order is its preference.</summary>
    /// <param name="extensions">The value of Sec-WebSocket-Extensions, or none.</param>
    /// <param name="offer">
    /// The offer. None, if there is none, or if each has an unknown parameter, one twice, or one with a value that it can not
    /// have: "a server MUST decline an extension negotiation offer ... if any of the following conditions are met", section 7.1.
    /// </param>
    /// <returns>
    /// Status 400 when the value is no list of extensions: "the recipient of such malformed data MUST immediately _Fail the
    /// WebSocket Connection_", RFC 6455 section 9.1.
    /// </returns>
    public static UpgradeFault? Check(string? extensions, out DeflateOffer? offer)
    {
        offer = null;
        var list = new ExtensionList(extensions);
        while (list.TryNext(out ReadOnlySpan<char> name))
        {
            if (!name.SequenceEqual(Extension)) continue;
            DeflateOffer? read = Read(ref list);
            offer ??= list.IsBroken ? null : read;
        }

        if (!list.IsBroken) return null;
        offer = null;
        return new UpgradeFault(400, "Sec-WebSocket-Extensions is no list of extensions (RFC 6455 section 9.1).");
    }

    private static DeflateOffer? Read(ref ExtensionList list)
    {
        bool serverDrops = false, clientDrops = false;
        int? serverBits = null, clientBits = null;
        while (list.TryNextParameter(out ReadOnlySpan<char> name, out string? value))
        {
            bool good = name switch
            {
                "server_no_context_takeover" => value is null && TrySet(ref serverDrops),
                "client_no_context_takeover" => value is null && TrySet(ref clientDrops),
                "server_max_window_bits" => TrySet(ref serverBits, value),
                "client_max_window_bits" => TrySet(ref clientBits, value ?? "15"),
                _ => false,
            };
            if (!good) return null;
        }

        return new DeflateOffer(serverDrops, clientDrops, serverBits, clientBits);
    }

    private static bool TrySet(ref bool parameter)
    {
        bool first = !parameter;
        parameter = true;
        return first;
    }

    // "a decimal integer value without leading zeroes between 8 to 15 inclusive", section 7.1.2.
    private static bool TrySet(ref int? parameter, string? value)
    {
        if (parameter is not null) return false;
        parameter = value switch
        {
            "8" => 8, "9" => 9, "10" => 10, "11" => 11, "12" => 12, "13" => 13, "14" => 14, "15" => 15,
            _ => null,
        };
        return parameter is not null;
    }
}
