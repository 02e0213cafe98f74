using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using Broker.Core.Centrifuge;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Counting;

/// <summary>The codes of one kind and their names; every other code is "other", so that no client makes a name of its own.</summary>
public sealed class CodeTable
{
    private const string Other = "other";

    private readonly (string Code, string Name)[] _entries;
    private readonly FrozenDictionary<int, int> _places;

    private CodeTable(IEnumerable<(int Code, string Name)> codes)
    {
        (int Code, string Name)[] all = [.. codes];
        _entries = [.. all.Select(each => (each.Code.ToString(CultureInfo.InvariantCulture), SnakeOf(each.Name))), (Other, Other)];
        _places = all.Select((each, place) => KeyValuePair.Create(each.Code, place)).ToFrozenDictionary();
    }

    /// <summary>Statuses of HTTP that refuse an opening handshake.</summary>
    public static CodeTable HandshakeStatuses { get; } = new(
    [
        (400, "bad request"), (403, "forbidden"), (404, "not found"), (405, "method not allowed"), (408, "request timeout"), (426, "upgrade required"),
        (431, "head too large"), (501, "not implemented"), (503, "unavailable"), (505, "version not supported"),
    ]);

    /// <summary>Errors that answer a command.</summary>
    public static CodeTable RequestErrors { get; } = new(CentrifugeError.All.Select(static error => ((int)error.Code, error.Message)));

    /// <summary>Faults that answer a call.</summary>
    public static CodeTable CallFaults { get; } = OfEnum<FaultCode>();

    /// <summary>Why a stream or a chunk is refused.</summary>
    public static CodeTable StreamErrors { get; } = OfEnum<ChunkError>();

    /// <summary>Codes of Close frames: the protocol's and the dialects'.</summary>
    public static CodeTable CloseCodes { get; } = new(
        Enum.GetValues<CloseCode>().Select(static code => ((int)code, code.ToString())).Concat(Disconnect.All.Select(static each => ((int)each.Code, each.Reason))));

    /// <summary>How many there are, "other" among them, which is the last.</summary>
    public int Count => _entries.Length;

    /// <summary>The code at a place, and its name in small letters.</summary>
    public (string Code, string Name) this[int index] => _entries[index];

    /// <summary>The place of a code.</summary>
    public int IndexOf(int code) => _places.GetValueOrDefault(code, _entries.Length - 1);

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
