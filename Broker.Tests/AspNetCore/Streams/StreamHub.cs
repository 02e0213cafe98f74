using System.Net;
using System.Text;
using System.Text.Json;
using Broker.Actors.Channels.Namespaces;
using Broker.Dialects;
using Broker.Dialects.Centrifuge;

namespace Broker.Tests.AspNetCore.Streams;

/// <summary>A hub that uses every form, and what its clients do beside reading.</summary>
internal static class StreamHub
{
    /// <summary>Everything on.</summary>
    public static StandardSettings Settings { get; } = new()
    {
        Centrifuge = new CentrifugeSettings
        {
            HttpStream = new TwoWayFormSettings("/connection/http_stream") { Enabled = true },
            Sse = new TwoWayFormSettings("/connection/sse") { Enabled = true },
            UniHttpStream = new UniStreamSettings("/connection/uni_http_stream") { Enabled = true },
            UniSse = new UniStreamSettings("/connection/uni_sse") { Enabled = true },
            UniWebsocket = new FormSettings("/connection/uni_websocket") { Enabled = true },
        },
        Namespaces =
        [
            new ChannelNamespace { Name = "here", Presence = true },
            new ChannelNamespace { Name = "kept", History = new() { Size = 10, Ttl = TimeSpan.FromMinutes(5) }, Recovery = true },
            new ChannelNamespace { Name = "closed", Subscribe = ChannelAccess.None },
        ],
    };

    /// <summary>Posts a message for a session.</summary>
    public static Task<HttpResponseMessage> PostAsync(
        this HubInKestrel hub, string session, string node, string commands, string? origin = null) =>
        hub.PostBodyAsync(JsonSerializer.Serialize(new { session, node, data = commands }), origin);

    /// <summary>Posts a message of a client.</summary>
    public static async Task PostAsync(this HubInKestrel hub, StreamClient client, string commands)
    {
        using HttpResponseMessage answer = await hub.PostAsync(client.Session, client.Node, commands);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    /// <summary>Posts anything.</summary>
    public static async Task<HttpResponseMessage> PostBodyAsync(this HubInKestrel hub, string body, string? origin = null)
    {
        using var request =
            new HttpRequestMessage(HttpMethod.Post, new Uri(hub.Plain, "/emulation"))
                { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (origin is not null) request.Headers.Add("Origin", origin);
        return await hub.Http.SendAsync(request, ClientSteps.Limited());
    }

    /// <summary>For what the server notices by itself, which no client can be told.</summary>
    public static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(HubInKestrel.Limit);
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
