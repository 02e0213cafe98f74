using System.Text.Json;
using Broker.Actors.Access;
using Broker.Actors.Api;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Identity.Backend;

namespace Broker.AspNetCore.Api;

/// <summary>The methods of the server API about clients: their subscriptions and connections, and what one of them did not get.</summary>
internal static class ApiClientMethods
{
    internal static async Task SubscribeAsync(IHubApi hub, ApiCall call)
    {
        SubscribeBody body = call.Read(ApiJson.Default.SubscribeBody);
        var subscription = new ServerSubscription(ApiChecks.Channel(body.Channel))
        {
            ChannelInfo = ApiChecks.Bytes(body.Info, body.BinaryInfo),
            Data = ApiChecks.Bytes(body.Data, body.BinaryData),
            ExpiresAt = ApiChecks.Time(body.ExpireAt, "expire_at"),
            Presence = body.Override?.Presence?.Value,
            JoinLeave = body.Override?.JoinLeave?.Value,
            Recoverable = body.Override?.ForceRecovery?.Value,
            Positioned = body.Override?.ForcePositioning?.Value,
        };
        StreamPosition? since = body.RecoverSince is { } position ? ApiChecks.Position(position) : null;
        await hub.SubscribeAsync(ApiChecks.Connections(body), subscription, since, call.CancellationToken).ConfigureAwait(false);
        call.WriteEmpty();
    }

    internal static async Task UnsubscribeAsync(IHubApi hub, ApiCall call)
    {
        UnsubscribeBody body = call.Read(ApiJson.Default.UnsubscribeBody);
        await hub.UnsubscribeAsync(ApiChecks.Connections(body), ApiChecks.Channel(body.Channel), call.CancellationToken)
            .ConfigureAwait(false);
        call.WriteEmpty();
    }

    internal static async Task DisconnectAsync(IHubApi hub, ApiCall call)
    {
        DisconnectBody body = call.Read(ApiJson.Default.DisconnectBody);
        DisconnectReason reason = DisconnectReason.ForceDisconnect;
        if (body.Disconnect is { } wanted)
        {
            if (wanted.Code is < 3000 or > 4999) throw new ApiException(ApiError.BadRequest("a code of a disconnect is from 3000 to 4999"));
            reason = BackendCodes.DisconnectOf((int)wanted.Code, wanted.Reason ?? "");
        }

        await hub.DisconnectAsync(ApiChecks.Connections(body), reason, body.Whitelist, call.CancellationToken).ConfigureAwait(false);
        call.WriteEmpty();
    }

    internal static async Task RefreshAsync(IHubApi hub, ApiCall call)
    {
        RefreshBody body = call.Read(ApiJson.Default.RefreshBody);
        ReadOnlyMemory<byte>? info = body.Info is null ? null : ApiChecks.Bytes(body.Info, null);
        var expiry = new ConnectionExpiry(ApiChecks.Time(body.ExpireAt, "expire_at"), body.Expired, info);
        await hub.RefreshAsync(ApiChecks.Connections(body), expiry, call.CancellationToken).ConfigureAwait(false);
        call.WriteEmpty();
    }

    internal static async Task ExplainAsync(IHubApi hub, ApiCall call)
    {
        ExplainBody body = call.Read(ApiJson.Default.ExplainBody);
        string client = ApiChecks.Text(body.Client, "client");
        if (body.Offset == 0) throw new ApiException(ApiError.BadRequest("offset begins at 1"));
        Explanation explained =
            await hub.ExplainAsync(client, ApiChecks.Channel(body.Channel), body.Offset, call.CancellationToken).ConfigureAwait(false);
        Utf8JsonWriter result = call.Result;
        result.WriteStartObject();
        result.WriteString("reason"u8, JsonNamingPolicy.SnakeCaseLower.ConvertName(explained.Kind.ToString()));
        result.WriteString("text"u8, explained.Text);
        result.WriteBoolean("connected"u8, explained.IsConnected);
        if (explained.User is { } user) result.WriteString("user"u8, user);
        result.WriteNumber("queued_bytes"u8, explained.QueuedBytes);
        WriteOffset("since"u8, explained.Since);
        WriteOffset("up_to"u8, explained.UpTo);
        WriteOffset("top"u8, explained.Top);
        WriteOffset("oldest"u8, explained.Oldest);
        if (explained.Code != 0) result.WriteNumber("code"u8, explained.Code);
        if (explained.At is { } time) result.WriteNumber("time"u8, time.ToUnixTimeMilliseconds());
        result.WriteEndObject();

        void WriteOffset(ReadOnlySpan<byte> name, ulong? offset)
        {
            if (offset is { } known) result.WriteNumber(name, known);
        }
    }
}
