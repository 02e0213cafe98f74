using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Broker.Identity.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.AspNetCore.Api;

/// <summary>One request of a method of the server API, and where its result goes.</summary>
/// <param name="Parameters">The request; undefined for an empty one.</param>
/// <param name="Result">Receives the result, as one JSON value.</param>
/// <param name="Bounds">Bounds.</param>
/// <param name="Log">Gets what nothing has foreseen.</param>
/// <param name="CancellationToken">Cancelled when the caller has gone.</param>
internal readonly record struct ApiCall(
    JsonElement Parameters, Utf8JsonWriter Result, ApiSettings Bounds, ILogger Log, CancellationToken CancellationToken)
{
    internal T Read<T>(JsonTypeInfo<T> type)
        where T : class, new() =>
        Parameters.ValueKind == JsonValueKind.Undefined ? new T() : Parameters.Deserialize(type) ?? new T();

    internal void WriteEmpty()
    {
        Result.WriteStartObject();
        Result.WriteEndObject();
    }

    internal Task Empty()
    {
        WriteEmpty();
        return Task.CompletedTask;
    }
}
