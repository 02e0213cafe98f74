using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Counting;

/// <summary>The codes of one kind and their names; every other code is "other", so that no client makes a name of its own.</summary>
public sealed class CodeTable
{
    private const string Other = "other";

    private readonly (string Code, string Name)[] _entries;
    private readonly FrozenDictionary<int, int> _indexes;

    private CodeTable(IEnumerable<(int Code, string Name)> codes)
    {
        (int Code, string Name)[] all = [.. codes];
        _entries = [.. all.Select(each => (each.Code.ToString(CultureInfo.InvariantCulture), SnakeOf(each.Name))), (Other, Other)];
        _indexes = all.Select((each, index) => KeyValuePair.Create(each.Code, index)).ToFrozenDictionary();
    }

    /// <summary>Statuses of HTTP that refuse an opening handshake.</summary>
    public static CodeTable HandshakeStatuses { get; } = new(
    [
        (400, "bad request"), (403, "forbidden"), (404, "not found"), (405, "method not allowed"), (408, "request timeout"),
            (426, "upgrade required"),
        (431, "head too large"), (501, "not implemented"), (503, "unavailable"), (505, "version not supported"),
    ]);

    /// <summary>Errors that answer a command, by the numbers that the dialects share.</summary>
    public static CodeTable RequestErrors { get; } = new(
    [
        (100, "internal server error"), (101, "unauthorized"), (102, "unknown channel"), (103, "permission denied"),
        (104, "method not found"), (105, "already subscribed"), (106, "limit exceeded"), (107, "bad request"),
        (108, "not available"), (109, "token expired"), (110, "expired"), (111, "too many requests"),
        (112, "unrecoverable position"), (113, "concurrent pagination"),
    ]);

    /// <summary>Faults that answer a call.</summary>
    public static CodeTable CallFaults { get; } = OfEnum<FaultCode>();

    /// <summary>Why a stream or a chunk is refused.</summary>
    public static CodeTable StreamErrors { get; } = OfEnum<ChunkError>();

    /// <summary>Codes of Close frames: those of RFC 6455, and those of disconnects, which the dialects share.</summary>
    public static CodeTable CloseCodes { get; } =
        new(Enum.GetValues<CloseCode>().Select(static code => ((int)code, code.ToString())).Concat(
    [
        (3000, "connection closed"), (3001, "shutdown"), (3004, "internal server error"), (3005, "connection expired"),
        (3006, "subscription expired"), (3008, "slow"), (3009, "write error"), (3010, "insufficient state"),
        (3011, "force reconnect"), (3012, "no pong"), (3013, "too many requests"), (3014, "state invalidated"),
        (3500, "invalid token"), (3501, "bad request"), (3502, "stale"), (3503, "force disconnect"), (3504, "connection limit"),
        (3505, "channel limit"), (3506, "inappropriate protocol"), (3507, "permission denied"), (3508, "not available"),
        (3509, "too many errors"),
    ]));

    /// <summary>How many there are, "other" among them, which is the last.</summary>
    public int Count => _entries.Length;

    /// <summary>The code at a place, and its name in small letters.</summary>
    public (string Code, string Name) this[int index] => _entries[index];

    /// <summary>The place of a code.</summary>
    public int IndexOf(int code) => _indexes.GetValueOrDefault(code, _entries.Length - 1);

    /// <summary>A name as labels have it: <c>TooManyStreams</c> and <c>too many streams</c> are <c>too_many_streams</c>.</summary>
    public static string SnakeOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return JsonNamingPolicy.SnakeCaseLower.ConvertName(name.Replace(' ', '_'));
    }

    private static CodeTable OfEnum<T>()
        where T : struct, Enum =>
        new(Enum.GetValues<T>().Select(static value => (Convert.ToInt32(value, CultureInfo.InvariantCulture), value.ToString())));
}
