using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Broker.Identity.Revocation;

/// <summary>A file of revocations, which is read again within half a second of a change.</summary>
/// <remarks>
/// A JSON object a line; empty lines and lines that begin with # are skipped:
/// <code>
///   {"token":"a1b2"}                                        the token with this jti
///   {"user":"42","until":1767225600}                        the user, until then
///   {"user":"43","issued_before":1764547200}                tokens of the user issued before then
/// </code>
/// A file that cannot be read, or holds a line that is none of these, changes nothing: the entries known before stay in force.
/// </remarks>
public sealed class RevocationFile : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private const long BytesMax = 64 * 1024 * 1024;

    private readonly string _path;
    private readonly int _entriesMax;
    private readonly RevocationList _list;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private (DateTime WrittenAt, long Length) _seen;

    /// <summary>Begins to watch a file.</summary>
    /// <exception cref="InvalidDataException">It cannot be read, or is malformed; the message names the line.</exception>
    public RevocationFile(string path, int entriesMax, RevocationList list, TimeProvider time, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(time);
        _path = path;
        _entriesMax = entriesMax;
        _list = list;
        _log = log;
        Load();
        _timer = time.CreateTimer(static file => ((RevocationFile)file!).Check(), this, Interval, Interval);
    }

    /// <summary>Reads lines.</summary>
    /// <exception cref="InvalidDataException">A line is malformed, or there are too many.</exception>
    public static IReadOnlyList<Revoked> Read(IEnumerable<string> lines, int entriesMax)
    {
        ArgumentNullException.ThrowIfNull(lines);
        List<Revoked> entries = [];
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line) || line.StartsWith('#')) continue;
            if (entries.Count == entriesMax) throw new InvalidDataException($"line {number}: more than {entriesMax} entries");
            entries.Add(ReadLine(line)
                ?? throw new InvalidDataException(
                $"line {number}: expected an object with token or user, and perhaps until or issued_before in seconds"));
        }

        return entries;
    }

    /// <inheritdoc />
    public void Dispose() => _timer.Dispose();

    private static Revoked? ReadLine(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            string? token = ReadText(root, "token"), user = ReadText(root, "user");
            if ((token is null) == (user is null)) return null;
            DateTimeOffset? until = ReadTime(root, "until"), issuedBefore = ReadTime(root, "issued_before");
            return token is not null ? issuedBefore is null ? new Revoked(RevokedKind.Token, token, until) : null
                : issuedBefore is { } before ? new Revoked(RevokedKind.UserTokens, user!, until) { IssuedBefore = before }
                : new Revoked(RevokedKind.User, user!, until);
        }
        catch (Exception bad) when (bad is JsonException or InvalidOperationException or ArgumentOutOfRangeException or FormatException)
        {
            return null;
        }
    }

    private static string? ReadText(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement member) && member.GetString() is { Length: > 0 } text ? text : null;

    private static DateTimeOffset? ReadTime(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement member) ? DateTimeOffset.FromUnixTimeSeconds(member.GetInt64()) : null;

    private void Check()
    {
        if (!_lock.TryEnter()) return; // The check before is still at it.
        try
        {
            var file = new FileInfo(_path);
            if ((file.LastWriteTimeUtc, file.Exists ? file.Length : 0) != _seen) Load();
        }
        catch (InvalidDataException bad)
        {
            RevocationLog.Unreadable(_log, _path, bad.Message);
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void Load()
    {
        var file = new FileInfo(_path);
        try
        {
            _seen = (file.LastWriteTimeUtc, file.Exists ? file.Length : 0);
            if (_seen.Length > BytesMax) throw new InvalidDataException($"the file has more than {BytesMax} bytes");
            _list.SetFile(Read(File.ReadLines(_path), _entriesMax));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidDataException(unreadable.Message, unreadable);
        }
    }
}

/// <summary>Lines of the log about revocations.</summary>
internal static partial class RevocationLog
{
    [LoggerMessage(1, LogLevel.Error, "The revocations in {Path} are not read: {Reason}. Those known before stay in force")]
    internal static partial void Unreadable(ILogger log, string path, string reason);
}
