using System.Text.Json;
using Broker.Actors.Api;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Actors.Sessions;

namespace Broker.AspNetCore.Api;

/// <summary>The methods of the server API about channels and nodes: presence, history, lists and counts.</summary>
internal static class ApiChannelMethods
{
    internal static async Task PresenceAsync(IHubApi hub, ApiCall call)
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

    internal static async Task PresenceStatsAsync(IHubApi hub, ApiCall call)
    {
        string channel = ApiChecks.Channel(call.Read(ApiJson.Default.ChannelBody).Channel);
        var counts = await hub.PresenceStatsAsync(channel, call.CancellationToken).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.WriteNumber("num_clients"u8, counts.Clients);
        call.Result.WriteNumber("num_users"u8, counts.Users);
        call.Result.WriteEndObject();
    }

    internal static async Task HistoryAsync(IHubApi hub, ApiCall call)
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

    internal static async Task RemoveHistoryAsync(IHubApi hub, ApiCall call)
    {
        await hub.RemoveHistoryAsync(ApiChecks.Channel(call.Read(ApiJson.Default.ChannelBody).Channel), call.CancellationToken)
            .ConfigureAwait(false);
        call.WriteEmpty();
    }

    internal static async Task ChannelsAsync(IHubApi hub, ApiCall call)
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

    internal static async Task InfoAsync(IHubApi hub, ApiCall call, string name)
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
}
