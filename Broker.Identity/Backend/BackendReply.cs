using System.Text.Json;
using Broker.Actors.Model;

namespace Broker.Identity.Backend;

/// <summary>What the backend has answered, or that it has not.</summary>
public readonly record struct BackendReply
{
    /// <summary>The <c>result</c> member; <c>null</c> if there is none.</summary>
    public JsonElement? Result { get; private init; }

    /// <summary>The command fails with this error. Otherwise <c>null</c>.</summary>
    public HubError? Error { get; private init; }

    /// <summary>The connection ends with this reason. Otherwise <c>null</c>.</summary>
    public DisconnectReason? Disconnect { get; private init; }

    /// <summary>Why there is no answer: unreachable, too late, not understood, or down. Empty if there is one.</summary>
    public string Failure { get; private init; }

    /// <summary>Whether there is no answer; <see cref="Error"/> is then <see cref="HubError.Internal"/>.</summary>
    public bool HasFailed => !string.IsNullOrEmpty(Failure);

    /// <summary>There is no answer.</summary>
    public static BackendReply Fail(string reason) => new() { Error = HubError.Internal, Failure = reason };

    /// <summary>Reads the body of an answer: <c>result</c>, <c>error</c> or <c>disconnect</c>, of which the last counts first.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static BackendReply Read(ReadOnlyMemory<byte> json)
    {
        // Cloned: the document's memory is pooled.
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object) throw new JsonException("it is not a JSON object");
        if (Member(root, "disconnect") is { } disconnect) return new BackendReply { Disconnect = ReadDisconnect(disconnect) };
        if (Member(root, "error") is { } error) return new BackendReply { Error = ReadError(error) };
        return new BackendReply { Result = Member(root, "result")?.Clone() };
    }

    private static JsonElement? Member(JsonElement parent, string name)
    {
        if (!parent.TryGetProperty(name, out JsonElement member) || member.ValueKind == JsonValueKind.Null) return null;
        return member.ValueKind == JsonValueKind.Object ? member : throw new JsonException($"its {name} is not an object");
    }

    private static HubError ReadError(JsonElement error)
    {
        int code = ReadCode(error, 1, int.MaxValue);
        bool temporary = error.TryGetProperty("temporary", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
        return BackendCodes.ErrorOf(code, ReadText(error, "message"), temporary);
    }

    private static DisconnectReason ReadDisconnect(JsonElement disconnect) =>
        BackendCodes.DisconnectOf(ReadCode(disconnect, 3000, 4999), ReadText(disconnect, "reason"));

    private static int ReadCode(JsonElement parent, int min, int max) =>
        parent.TryGetProperty("code", out JsonElement code) && code.TryGetInt32(out int value) && value >= min && value <= max
            ? value
            : throw new JsonException($"its code is not a number from {min} to {max}");

    private static string ReadText(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
}
