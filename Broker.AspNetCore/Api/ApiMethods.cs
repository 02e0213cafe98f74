using Broker.Actors.Api;
using System.Collections.Frozen;
using System.Diagnostics;
using System.Text.Json;
using Broker.Identity.Revocation;
using Broker.Identity.Settings;
using Microsoft.Extensions.Logging;

namespace Broker.AspNetCore.Api;

/// <summary>The methods of the server API, by name: each reads its request, asks the hub, and writes its result.</summary>
/// <param name="hub">The hub.</param>
/// <param name="revocations">What <c>revoke_token</c> and its like change; <c>null</c> where the hub verifies no tokens.</param>
/// <param name="name">The name of this node in <c>info</c>.</param>
public sealed class ApiMethods(IHubApi hub, RevocationList? revocations, string name)
{
    /// <summary>The method that runs others.</summary>
    public const string Batch = "batch";

    private static readonly FrozenDictionary<string, Run> Methods = new Dictionary<string, Run>
    {
        ["publish"] = static (api, call) => ApiPublishMethods.PublishAsync(api.Hub, call),
        ["broadcast"] = static (api, call) => ApiPublishMethods.BroadcastAsync(api.Hub, call),
        ["subscribe"] = static (api, call) => ApiClientMethods.SubscribeAsync(api.Hub, call),
        ["unsubscribe"] = static (api, call) => ApiClientMethods.UnsubscribeAsync(api.Hub, call),
        ["disconnect"] = static (api, call) => ApiClientMethods.DisconnectAsync(api.Hub, call),
        ["refresh"] = static (api, call) => ApiClientMethods.RefreshAsync(api.Hub, call),
        ["presence"] = static (api, call) => ApiChannelMethods.PresenceAsync(api.Hub, call),
        ["presence_stats"] = static (api, call) => ApiChannelMethods.PresenceStatsAsync(api.Hub, call),
        ["history"] = static (api, call) => ApiChannelMethods.HistoryAsync(api.Hub, call),
        ["history_remove"] = static (api, call) => ApiChannelMethods.RemoveHistoryAsync(api.Hub, call),
        ["channels"] = static (api, call) => ApiChannelMethods.ChannelsAsync(api.Hub, call),
        ["info"] = static (api, call) => ApiChannelMethods.InfoAsync(api.Hub, call, api.Name),
        ["explain"] = static (api, call) => ApiClientMethods.ExplainAsync(api.Hub, call),
        ["rpc"] = static (_, _) => throw new ApiException(ApiError.MethodNotFound),
        [Batch] = static (api, call) => api.BatchAsync(call),
        ["block_user"] = static (api, call) => ApiTokenMethods.BlockUser(api.Revocations, call),
        ["unblock_user"] = static (api, call) => ApiTokenMethods.UnblockUser(api.Revocations, call),
        ["revoke_token"] = static (api, call) => ApiTokenMethods.RevokeToken(api.Revocations, call),
        ["invalidate_user_tokens"] = static (api, call) => ApiTokenMethods.InvalidateUserTokens(api.Revocations, call),
        ["cluster_status"] = static (api, call) => api.ClusterStatus(call),
        ["cluster_leave"] = static (api, call) => api.ClusterLeave(call),
        ["cluster_down"] = static (api, call) => api.ClusterDown(call),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private delegate Task Run(ApiMethods api, ApiCall call);

    /// <summary>The cluster that the hub is in; null for a hub of one node.</summary>
    public IClusterControl? Cluster { get; init; }

    private IHubApi Hub => hub;

    private RevocationList? Revocations => revocations;

    private string Name => name;

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
            isKnown ? await RunAsync(method, run!, new ApiCall(parameters, result, bounds, log, cancellationToken)).ConfigureAwait(false)
                : ApiError.MethodNotFound;
        ApiMeter.Answered(isKnown ? method : null, error, Stopwatch.GetElapsedTime(start));
        return error;
    }

    private async Task<ApiError?> RunAsync(string method, Run run, ApiCall call)
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

    private Task ClusterStatus(ApiCall call)
    {
        ApiClusterMethods.WriteStatus(call.Result, Cluster);
        return Task.CompletedTask;
    }

    private Task ClusterLeave(ApiCall call)
    {
        ApiClusterMethods.Leave(call.Read(ApiJson.Default.ClusterNodeBody), Cluster);
        call.WriteEmpty();
        return Task.CompletedTask;
    }

    private Task ClusterDown(ApiCall call)
    {
        ApiClusterMethods.Down(call.Read(ApiJson.Default.ClusterNodeBody), Cluster);
        call.WriteEmpty();
        return Task.CompletedTask;
    }

    private async Task BatchAsync(ApiCall call)
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
    private async Task<byte[]> RunCommandAsync(Dictionary<string, JsonElement> command, ApiCall call)
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
}

/// <summary>Lines of the log about the server API.</summary>
internal static partial class ApiLog
{
    [LoggerMessage(1, LogLevel.Error, "A request of the server API failed: {Method}")]
    internal static partial void Failed(ILogger log, string method, Exception failure);
}
