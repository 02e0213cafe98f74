using System.Text.Json;
using System.Text.Json.Serialization;
using Broker.Identity.Revocation;
using Microsoft.Extensions.Logging;

namespace Broker.Host.Composition;

/// <summary>
/// Revocations as the nodes of a cluster tell them to each other: lists in JSON, which a newer version may add members to.
/// </summary>
internal static partial class SharedRevocations
{
    private const int PieceMax = 1000;

    /// <summary>All that a list has in common with those of other nodes, in pieces.</summary>
    internal static IEnumerable<byte[]> Pieces(RevocationList list) => list.Shared.Chunk(PieceMax).Select(static piece => Write(piece));

    /// <summary>Writes a piece.</summary>
    internal static byte[] Write(params Revoked[] entries) => JsonSerializer.SerializeToUtf8Bytes(
        [.. entries.Select(static entry =>
            new Entry((int)entry.Kind, entry.Id, entry.Until, entry.IssuedBefore, entry.ChangedAt, entry.IsTakenBack))],
        Json.Default.EntryArray);

    /// <summary>Takes a piece of another node into a list.</summary>
    internal static void Read(byte[] piece, RevocationList list, ILogger log)
    {
        try
        {
            Entry[] entries = JsonSerializer.Deserialize(piece, Json.Default.EntryArray) ?? [];
            int refused = list.Merge(
                entries.Where(static entry => entry is not null && Enum.IsDefined((RevokedKind)entry.Kind)).Select(static entry =>
                    new Revoked((RevokedKind)entry.Kind, entry.Id, entry.Until)
                    {
                        IssuedBefore = entry.IssuedBefore,
                        ChangedAt = entry.ChangedAt,
                        IsTakenBack = entry.IsTakenBack,
                    }));
            if (refused > 0) NoRoom(log, refused);
        }
        catch (JsonException bad)
        {
            Unreadable(log, bad.Message);
        }
    }

    private sealed record Entry(
        int Kind, string Id, DateTimeOffset? Until, DateTimeOffset IssuedBefore, DateTimeOffset ChangedAt, bool IsTakenBack);

    [LoggerMessage(
        1, LogLevel.Error, "{Count} revocations of another node are not in force here: broker.revocation.entries-max is reached")]
    private static partial void NoRoom(ILogger log, int count);

    [LoggerMessage(2, LogLevel.Warning, "Revocations of another node cannot be read: {Reason}")]
    private static partial void Unreadable(ILogger log, string reason);

    [JsonSerializable(typeof(Entry[]))]
    private sealed partial class Json : JsonSerializerContext;
}
