using System.Text.Json;
using Broker.Actors.Api;
using Broker.Actors.Model;

namespace Broker.AspNetCore.Api;

/// <summary>The methods of the server API that publish.</summary>
internal static class ApiPublishMethods
{
    internal static async Task PublishAsync(IHubApi hub, ApiCall call)
    {
        PublishBody body = call.Read(ApiJson.Default.PublishBody);
        string channel = ApiChecks.Channel(body.Channel);
        WriteAnswer(call.Result,
            await hub.PublishAsync(channel, ApiChecks.Publication(body), call.CancellationToken).ConfigureAwait(false));
    }

    internal static async Task BroadcastAsync(IHubApi hub, ApiCall call)
    {
        BroadcastBody body = call.Read(ApiJson.Default.BroadcastBody);
        if (body.Channels is not { Count: > 0 } channels) throw new ApiException(ApiError.BadRequest("channels are missing"));
        if (channels.Exists(static channel => string.IsNullOrEmpty(channel)))
            throw new ApiException(ApiError.BadRequest("a channel is empty"));
        IReadOnlyList<BroadcastAnswer> answers =
            await hub.BroadcastAsync(channels, ApiChecks.Publication(body), call.CancellationToken).ConfigureAwait(false);
        Utf8JsonWriter result = call.Result;
        result.WriteStartObject();
        result.WriteStartArray("responses"u8);
        foreach (BroadcastAnswer answer in answers)
        {
            result.WriteStartObject();
            if (answer.Error is { } error)
            {
                ApiRoute.WriteError(result, ApiError.Of(error, error.Message));
            }
            else
            {
                result.WritePropertyName("result"u8);
                WriteAnswer(result, answer.Answer);
            }

            result.WriteEndObject();
        }

        result.WriteEndArray();
        result.WriteEndObject();
    }

    private static void WriteAnswer(Utf8JsonWriter result, PublishAnswer answer)
    {
        result.WriteStartObject();
        if (answer.Position.Offset > 0)
        {
            result.WriteNumber("offset"u8, answer.Position.Offset);
            result.WriteString("epoch"u8, StreamEpoch.ToText(answer.Position.Epoch));
        }

        result.WriteEndObject();
    }
}
