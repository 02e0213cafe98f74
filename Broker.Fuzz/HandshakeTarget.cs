using System.Buffers;
using System.Text;
using Broker.Core.Deflate;
using Broker.Core.Upgrade;

namespace Broker.Fuzz;

/// <summary>
/// The handshake reader, and what is decided by it. The first byte says how the rest is cut into reads; then the head has to
/// be read as from the uncut wire, and whatever is answered has to be one head of HTTP with nothing of the client's in it
/// that could begin a line.
/// </summary>
public static class HandshakeTarget
{
    private const int HeadBytesMax = 2048;

    private static readonly OriginRule s_own = new([]);
    private static readonly OriginRule s_listed = new(["https://chat.example", "null"]);
    private static readonly SubprotocolChoice s_choice = new(["centrifuge-json"], "centrifuge-json", refusesUnmatched: true);

    private static readonly DeflatePolicy s_policy = new(new DeflateBudget(0)) { ServerWindowBitsMax = 12 };

    /// <summary>Runs one input.</summary>
    public static void Run(byte[] input)
    {
        if (input.Length < 2) return;
        byte[] wire = input[1..];
        string whole = Describe(wire, wire.Length);
        string cut = Describe(wire, 1 + input[0]);
        FindingException.Unless(whole == cut, $"Reads of {1 + input[0]} bytes differ.\nwhole:\n{whole}\ncut:\n{cut}");
    }

    private static string Describe(ReadOnlySpan<byte> wire, int step)
    {
        int scanned = 0;
        for (int end = Math.Min(step, wire.Length); ; end = Math.Min(end + step, wire.Length))
        {
            var reader = new UpgradeReader(wire[..end], HeadBytesMax, scanned);
            switch (reader.ReadHead(out UpgradeRequest? request))
            {
                case OperationStatus.Done:
                    FindingException.Unless(
                        reader.Position is > 0 and <= HeadBytesMax && reader.Position <= end, "The head ends outside of what was read.");
                    return $"{reader.Position} {Judge(request!)}";
                case OperationStatus.InvalidData:
                    FindingException.Unless(request is null && reader.Position == 0, "A refused head was read all the same.");
                    return Refuse(reader.Fault);
                case OperationStatus.NeedMoreData when end < wire.Length:
                    scanned = end;
                    break;
                default:
                    FindingException.Unless(end < HeadBytesMax, "More than the longest head, and still not refused.");
                    return "more";
            }
        }
    }

    private static string Judge(UpgradeRequest request)
    {
        FindingException.Unless(request.Path.StartsWith('/'), "A path without a slash.");
        FindingException.Unless(request.Subprotocols.Count <= 32, "More subprotocols than are kept.");
        if (request.TryGetHeader("host", out string? host))
            FindingException.Unless(!host.AsSpan().ContainsAny('\r', '\n', '\0'), "A field holds a line end.");
        string about =
            $"{request.Method} {request.Path}?{request.Query} {request.Host} {request.Origin} {request.Key} {request.Version} "
                + $"{request.HasBody}";
        if (UpgradeRules.Check(request, s_own) is { } broken) return $"{about} {Refuse(broken)}";
        if (UpgradeRules.Check(request, s_listed) is { } foreign) return $"{about} {Refuse(foreign)}";
        if (s_choice.Check(request.Subprotocols, out ChosenSubprotocol chosen) is { } unmatched) return $"{about} {Refuse(unmatched)}";

        if (DeflateOffer.Check(request.Extensions, out DeflateOffer? offer) is { } malformed) return $"{about} {Refuse(malformed)}";

        string? extensions = offer is null ? null : s_policy.Agree(offer).AnswerTo(offer);
        byte[] response = new byte[UpgradeResponse.SwitchBytesMax + (chosen.Answered?.Length ?? 0) + (extensions?.Length ?? 0)];
        FindingException.Unless(
            UpgradeResponse.TryWriteSwitch(response, request.Key!, chosen.Answered, extensions, out int written),
                "The switch does not fit.");
        ExpectOneHead(response.AsSpan(0, written));
        return $"{about} {Convert.ToHexString(response.AsSpan(0, written))}";
    }

    private static string Refuse(UpgradeFault fault)
    {
        byte[] response = new byte[UpgradeResponse.RefusalBytesMax];
        FindingException.Unless(fault.Status is >= 400 and < 600, $"A refusal with {fault.Status}.");
        FindingException.Unless(UpgradeResponse.TryWriteRefusal(response, fault, out int written), "The refusal does not fit.");
        ExpectOneHead(response.AsSpan(0, written));
        return Encoding.ASCII.GetString(response, 0, written);
    }

    private static void ExpectOneHead(ReadOnlySpan<byte> response)
    {
        int end = response.IndexOf("\r\n\r\n"u8);
        FindingException.Unless(response.StartsWith("HTTP/1.1 "u8) && end > 0, "The answer is no head.");
        FindingException.Unless(response[(end + 4)..].IndexOf("\r\n"u8) < 0, "A second head behind the first.");
    }
}
