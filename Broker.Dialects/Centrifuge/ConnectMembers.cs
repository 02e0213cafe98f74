using System.Text.Json;
using Broker.Actors.Model;
using Broker.Dialects.Centrifuge.Wire;

namespace Broker.Dialects.Centrifuge;

/// <summary>Reads what a connect command has beside texts.</summary>
internal static class ConnectMembers
{
    private const int HeadersMax = 64;

    /// <summary>
    /// Headers for the application: members that are texts, 64 at the most; null for none. Of a name that stands twice the last counts.
    /// </summary>
    internal static Dictionary<string, string>? HeadersOf(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty) return null;
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName && headers.Count < HeadersMax)
            {
                string name = reader.GetString()!;
                reader.Read();
                if (reader.TokenType == JsonTokenType.String) headers[name] = reader.GetString()!;
                else reader.Skip();
            }
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return null; // A text with half a surrogate pair; no one can pass that on.
        }

        return headers;
    }

    /// <summary>Where the client left off in channels that the server subscribes it to; null for nowhere.</summary>
    internal static Dictionary<string, StreamPosition?>? PositionsOf(ReadOnlySpan<byte> subs)
    {
        if (subs.IsEmpty) return null;
        Dictionary<string, StreamPosition?> positions = new(StringComparer.Ordinal);
        var reader = new RecoveryReader(subs);
        while (reader.Read(out Recovery recovery))
        {
            if (recovery.Recover)
                positions[Command.Keep(recovery.Channel)] = new StreamPosition(CentrifugeEpoch.Read(recovery.Epoch), recovery.Offset);
        }

        return positions;
    }

    /// <summary>The channels that the client wants to be subscribed to by the server, each once; empty for none.</summary>
    internal static IReadOnlyList<string> ChannelsOf(ReadOnlySpan<byte> subs)
    {
        if (subs.IsEmpty) return [];
        List<string> channels = [];
        HashSet<string> known = new(StringComparer.Ordinal);
        var reader = new RecoveryReader(subs);
        while (reader.Read(out Recovery recovery))
        {
            string channel = Command.Keep(recovery.Channel);
            if (known.Add(channel)) channels.Add(channel);
        }

        return channels;
    }
}
