using Broker.Actors.Api;
using Broker.Actors.Sessions;
using System.Collections.Frozen;
using System.Diagnostics;
using System.Text.Json.Serialization.Metadata;
using System.Text.Json;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Identity.Backend;
using Broker.Identity.Revocation;
using Broker.Identity.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.AspNetCore.Api;

/// <summary>The methods of the server API: each reads its request, asks the hub, and writes its result.</summary>
/// <param name="hub">The hub.</param>
/// <param name="revocations">What <c>revoke_token</c> and its like change; <c>null</c> where the hub verifies no tokens.</param>
/// <param name="name">The name of this node in <c>info</c>.</param>
public sealed class ApiMethods(IHubApi hub, RevocationList? revocations, string name)
{
    /// <summary>The method that runs others.</summary>
    public const string Batch = "batch";

    private static readonly FrozenDictionary<string, Run> Methods = new Dictionary<string, Run>
    {
        ["publish"] = static (api, call) => api.PublishAsync(call),
        ["broadcast"] = static (api, call) => api.BroadcastAsync(call),
        ["subscribe"] = static (api, call) => api.SubscribeAsync(call),
        ["unsubscribe"] = static (api, call) => api.UnsubscribeAsync(call),
        ["disconnect"] = static (api, call) => api.DisconnectAsync(call),
        ["refresh"] = static (api, call) => api.RefreshAsync(call),
        ["presence"] = static (api, call) => api.PresenceAsync(call),
        ["presence_stats"] = static (api, call) => api.PresenceStatsAsync(call),
        ["history"] = static (api, call) => api.HistoryAsync(call),
        ["history_remove"] = static (api, call) => api.RemoveHistoryAsync(call),
        ["channels"] = static (api, call) => api.ChannelsAsync(call),
        ["info"] = static (api, call) => api.InfoAsync(call),
        ["explain"] = static (api, call) => api.ExplainAsync(call),
        ["rpc"] = static (_, _) => throw new ApiException(ApiError.MethodNotFound),
        [Batch] = static (api, call) => api.BatchAsync(call),
        ["block_user"] = static (api, call) => api.BlockUser(call),
        ["unblock_user"] = static (api, call) => api.UnblockUser(call),
        ["revoke_token"] = static (api, call) => api.RevokeToken(call),
        ["invalidate_user_tokens"] = static (api, call) => api.InvalidateUserTokens(call),
        ["cluster_status"] = static (api, call) => api.ClusterStatus(call),
        ["cluster_leave"] = static (api, call) => api.ClusterLeave(call),
        ["cluster_down"] = static (api, call) => api.ClusterDown(call),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private delegate Task Run(ApiMethods api, Call call);

    /// <summary>The cluster that the hub is in; null for a hub of one node.</summary>
    public IClusterControl? Cluster { get; init; }

    /// <summary>Whether there is a method of this name.</summary>
    public static bool Has(string method) => Methods.ContainsKey(method);

    /// <summary>Runs a method.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="parameters">Its request; undefined for an empty one.</param>
    /// <param name="result">Receives the result, as one JSON value, unless there is an error.</param>
    /// <param name="bounds">Bounds.</param>
    /// <param name="log">Gets what nothing has foreseen.</param>
    /// <param name="cancellationToken">Cancelled when the caller has gone.</param>
    /// <returns>Why it failed, or <c>null</c>.</returns>
    public async Task<ApiError?> RunAsync(
        string method, JsonElement parameters, Utf8JsonWriter result, ApiSettings bounds, ILogger log, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        bool isKnown = Methods.TryGetValue(method, out Run? run);
        ApiError? error =
            isKnown ? await RunAsync(method, run!, new Call(parameters, result, bounds, log, cancellationToken)).ConfigureAwait(false)
                : ApiError.MethodNotFound;
        ApiMeter.Answered(isKnown ? method : null, error, Stopwatch.GetElapsedTime(start));
        return error;
    }

    private async Task<ApiError?> RunAsync(string method, Run run, Call call)
    {
        try
        {
            await run(this, call).ConfigureAwait(false);
            return null;
        }
        catch (ApiException bad)
        {
            return bad.Error;
        }
        catch (HubApiException refused)
        {
            return ApiError.Of(refused.Error, refused.Message);
        }
        catch (JsonException bad)
        {
            return ApiError.BadRequest(
                bad.Path is { Length: > 2 } path ? $"{path[2..]} is not what it has to be" : "the request is not what it has to be");
        }
        catch (OperationCanceledException) when (call.CancellationToken.IsCancellationRequested)
        {
            throw;
        }
#pragma warning disable CA1031 // The caller gets error 100 for whatever nothing has foreseen, and the log has it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            ApiLog.Failed(call.Log, method, failure);
            return ApiError.Internal;
        }
    }

    private async Task PublishAsync(Call call)
    {
        PublishBody body = call.Read(ApiJson.Default.PublishBody);
        string channel = ApiChecks.Channel(body.Channel);
        WriteAnswer(call.Result,
            await hub.PublishAsync(channel, ApiChecks.Publication(body), call.CancellationToken).ConfigureAwait(false));
    }

    private async Task BroadcastAsync(Call call)
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

    private async Task SubscribeAsync(Call call)
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

    private async Task UnsubscribeAsync(Call call)
    {
        UnsubscribeBody body = call.Read(ApiJson.Default.UnsubscribeBody);
        await hub.UnsubscribeAsync(ApiChecks.Connections(body), ApiChecks.Channel(body.Channel), call.CancellationToken)
            .ConfigureAwait(false);
        call.WriteEmpty();
    }

    private async Task DisconnectAsync(Call call)
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

    private async Task RefreshAsync(Call call)
    {
        RefreshBody body = call.Read(ApiJson.Default.RefreshBody);
        ReadOnlyMemory<byte>? info = body.Info is null ? default(ReadOnlyMemory<byte>?) : ApiChecks.Bytes(body.Info, null);
        var expiry = new ConnectionExpiry(ApiChecks.Time(body.ExpireAt, "expire_at"), body.Expired, info);
        await hub.RefreshAsync(ApiChecks.Connections(body), expiry, call.CancellationToken).ConfigureAwait(false);
        call.WriteEmpty();
    }

    private async Task PresenceAsync(Call call)
    {
        string channel = ApiChecks.Channel(call.Read(ApiJson.Default.ChannelBody).Channel);
        IReadOnlyCollection<ClientInfo> members = await hub.PresenceAsync(channel, call.CancellationToken).ConfigureAwait(false);
        Utf8JsonWriter result = call.Result;
        result.WriteStartObject();
        result.WriteStartObject("presence"u8);
        foreach (ClientInfo member in members)
        {
            result.WritePropertyName(member.Client);
            WriteInfo(result, member);
        }

        result.WriteEndObject();
        result.WriteEndObject();
    }

    private async Task PresenceStatsAsync(Call call)
    {
        string channel = ApiChecks.Channel(call.Read(ApiJson.Default.ChannelBody).Channel);
        var counts = await hub.PresenceStatsAsync(channel, call.CancellationToken).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.WriteNumber("num_clients"u8, counts.Clients);
        call.Result.WriteNumber("num_users"u8, counts.Users);
        call.Result.WriteEndObject();
    }

    private async Task HistoryAsync(Call call)
    {
        HistoryBody body = call.Read(ApiJson.Default.HistoryBody);
        string channel = ApiChecks.Channel(body.Channel);
        StreamPosition? since = body.Since is { } position ? ApiChecks.Position(position) : null;
        HistoryPage page =
            await hub.HistoryAsync(channel, new HistoryQuery(since, body.Limit, body.Reverse), call.CancellationToken)
                .ConfigureAwait(false);
        Utf8JsonWriter result = call.Result;
        result.WriteStartObject();
        result.WriteStartArray("publications"u8);
        foreach (Publication publication in page.Publications) WritePublication(result, publication);
        result.WriteEndArray();
        result.WriteString("epoch"u8, StreamEpoch.ToText(page.Top.Epoch));
        result.WriteNumber("offset"u8, page.Top.Offset);
        result.WriteEndObject();
    }

    private async Task RemoveHistoryAsync(Call call)
    {
        await hub.RemoveHistoryAsync(ApiChecks.Channel(call.Read(ApiJson.Default.ChannelBody).Channel), call.CancellationToken)
            .ConfigureAwait(false);
        call.WriteEmpty();
    }

    private async Task ChannelsAsync(Call call)
    {
        string? pattern = call.Read(ApiJson.Default.ChannelsBody).Pattern;
        IReadOnlyDictionary<string, int> channels =
            await hub.ChannelsAsync(string.IsNullOrEmpty(pattern) ? null : pattern, call.CancellationToken).ConfigureAwait(false);
        Utf8JsonWriter result = call.Result;
        result.WriteStartObject();
        result.WriteStartObject("channels"u8);
        foreach ((string channel, int clients) in channels)
        {
            result.WriteStartObject(channel);
            result.WriteNumber("num_clients"u8, clients);
            result.WriteEndObject();
        }

        result.WriteEndObject();
        result.WriteEndObject();
    }

    private async Task InfoAsync(Call call)
    {
        IReadOnlyList<NodeFigures> nodes = await hub.InfoOfNodesAsync(call.CancellationToken).ConfigureAwait(false);
        Utf8JsonWriter result = call.Result;
        result.WriteStartObject();
        result.WriteStartArray("nodes"u8);
        foreach ((string node, HubFigures figures) in nodes)
        {
            string shown = node.Length > 0 ? node : name;
            result.WriteStartObject();
            result.WriteString("uid"u8, shown);
            result.WriteString("name"u8, shown);
            result.WriteString("version"u8, figures.Version);
            result.WriteNumber("num_clients"u8, figures.Clients);
            result.WriteNumber("num_users"u8, figures.Users);
            result.WriteNumber("num_subs"u8, figures.Subscriptions);
            result.WriteNumber("num_channels"u8, figures.Channels);
            result.WriteNumber("uptime"u8, (long)figures.Uptime.TotalSeconds);
            result.WriteEndObject();
        }

        result.WriteEndArray();
        result.WriteEndObject();
    }

    private async Task ExplainAsync(Call call)
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

    private Task ClusterStatus(Call call)
    {
        ApiClusterMethods.WriteStatus(call.Result, Cluster);
        return Task.CompletedTask;
    }

    private Task ClusterLeave(Call call)
    {
        ApiClusterMethods.Leave(call.Read(ApiJson.Default.ClusterNodeBody), Cluster);
        call.WriteEmpty();
        return Task.CompletedTask;
    }

    private Task ClusterDown(Call call)
    {
        ApiClusterMethods.Down(call.Read(ApiJson.Default.ClusterNodeBody), Cluster);
        call.WriteEmpty();
        return Task.CompletedTask;
    }

    private async Task BatchAsync(Call call)
    {
        BatchBody body = call.Read(ApiJson.Default.BatchBody);
        List<Dictionary<string, JsonElement>> commands = body.Commands ?? [];
        if (commands.Count > call.Bounds.CommandsMax)
            throw new ApiException(ApiError.BadRequest($"more than {call.Bounds.CommandsMax} commands"));
        byte[][] replies = new byte[commands.Count][];
        if (body.Parallel)
            await Parallel.ForAsync(
                0, commands.Count, call.CancellationToken, async (i, _) =>
                    replies[i] = await RunCommandAsync(commands[i], call).ConfigureAwait(false)).ConfigureAwait(false);
        else for (int i = 0; i < commands.Count; i++) replies[i] = await RunCommandAsync(commands[i], call).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.WriteStartArray("replies"u8);
        foreach (byte[] reply in replies) call.Result.WriteRawValue(reply, skipInputValidation: true);
        call.Result.WriteEndArray();
        call.Result.WriteEndObject();
    }

    // {"publish":{...}} is answered {"publish":{...}} or {"error":{...}}.
    private async Task<byte[]> RunCommandAsync(Dictionary<string, JsonElement> command, Call call)
    {
        using var reply = new MemoryStream();
        await using var writer = new Utf8JsonWriter(reply, new JsonWriterOptions { SkipValidation = true });
        string method = command.Count == 1 ? command.Keys.First() : "";
        using var result = new MemoryStream();
        await using var inner = new Utf8JsonWriter(result, new JsonWriterOptions { SkipValidation = true });

        // A batch within a batch would make its bound of commands a power.
        ApiError? error = command.Count != 1 ? ApiError.BadRequest("a command of a batch has one member, its method")
            : method == Batch ? ApiError.BadRequest("a batch holds no batch")
            : await RunAsync(method, command[method], inner, call.Bounds, call.Log, call.CancellationToken).ConfigureAwait(false);
        await inner.FlushAsync(call.CancellationToken).ConfigureAwait(false);
        writer.WriteStartObject();
        if (error is not null)
        {
            ApiRoute.WriteError(writer, error);
        }
        else
        {
            writer.WritePropertyName(method);
            writer.WriteRawValue(result.ToArray(), skipInputValidation: true);
        }

        writer.WriteEndObject();
        await writer.FlushAsync(call.CancellationToken).ConfigureAwait(false);
        return reply.ToArray();
    }

    private Task BlockUser(Call call)
    {
        BlockUserBody body = call.Read(ApiJson.Default.BlockUserBody);
        return Revoke(call, new Revoked(RevokedKind.User, ApiChecks.Text(body.User, "user"), ApiChecks.Time(body.ExpireAt, "expire_at")));
    }

    private Task UnblockUser(Call call)
    {
        BlockUserBody body = call.Read(ApiJson.Default.BlockUserBody);
        Revocations.Remove(RevokedKind.User, ApiChecks.Text(body.User, "user"));
        return call.Empty();
    }

    private Task RevokeToken(Call call)
    {
        RevokeTokenBody body = call.Read(ApiJson.Default.RevokeTokenBody);
        return Revoke(call, new Revoked(RevokedKind.Token, ApiChecks.Text(body.Uid, "uid"), ApiChecks.Time(body.ExpireAt, "expire_at")));
    }

    private Task InvalidateUserTokens(Call call)
    {
        InvalidateUserTokensBody body = call.Read(ApiJson.Default.InvalidateUserTokensBody);
        DateTimeOffset before =
            ApiChecks.Time(body.IssuedBefore, "issued_before") ?? throw new ApiException(ApiError.BadRequest("issued_before is missing"));
        return Revoke(
            call, new Revoked(RevokedKind.UserTokens, ApiChecks.Text(body.User, "user"), ApiChecks.Time(body.ExpireAt, "expire_at"))
                { IssuedBefore = before });
    }

    private RevocationList Revocations =>
        revocations ?? throw new ApiException(new ApiError(108, "not available: the hub verifies no tokens"));

    private Task Revoke(Call call, Revoked entry) =>
        Revocations.Add(entry) ? call.Empty()
            : throw new ApiException(new ApiError(106, "limit exceeded: broker.revocation.entries-max revocations are in force"));

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

    private static void WritePublication(Utf8JsonWriter result, in Publication publication)
    {
        result.WriteStartObject();
        ApiChecks.WriteBytes(result, "data", publication.LongData is { } pieces ? pieces.ToArray() : publication.Data);
        if (publication.Info is { } info)
        {
            result.WritePropertyName("info"u8);
            WriteInfo(result, info);
        }

        result.WriteNumber("offset"u8, publication.Offset);
        if (publication.Extras is { Tags.Count: > 0 } extras)
        {
            result.WriteStartObject("tags"u8);
            foreach ((string tag, string value) in extras.Tags) result.WriteString(tag, value);
            result.WriteEndObject();
        }

        result.WriteEndObject();
    }

    private static void WriteInfo(Utf8JsonWriter result, ClientInfo info)
    {
        result.WriteStartObject();
        result.WriteString("user"u8, info.User);
        result.WriteString("client"u8, info.Client);
        if (!info.ConnectionInfo.IsEmpty) ApiChecks.WriteBytes(result, "conn_info", info.ConnectionInfo);
        if (!info.ChannelInfo.IsEmpty) ApiChecks.WriteBytes(result, "chan_info", info.ChannelInfo);
        result.WriteEndObject();
    }

    private readonly record struct Call(
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
}

/// <summary>Lines of the log about the server API.</summary>
internal static partial class ApiLog
{
    [LoggerMessage(1, LogLevel.Error, "A request of the server API failed: {Method}")]
    internal static partial void Failed(ILogger log, string method, Exception failure);
}
