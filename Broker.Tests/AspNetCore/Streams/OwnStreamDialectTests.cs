using System.Net;
using System.Text;
using Broker.Dialects;

namespace Broker.Tests.AspNetCore.Streams;

/// <summary>A dialect of one's own that is not one WebSocket a session.</summary>
public sealed class OwnStreamDialectTests
{
    [Theory, InlineData(Way.Plain), InlineData(Way.Http2)]
    public async Task Its_clients_are_clients_as_all_others(Way way)
    {
        await using HubInKestrel hub = await HubInKestrel.StartAsync(new StandardSettings(), new NoteDialect());
        using HttpResponseMessage answer = await PostAsync(hub, way, NoteDialect.OpenPath, "login");
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        string welcome = (await lines.ReadLineAsync(ClientSteps.Limited()))!;
        Assert.StartsWith("welcome ", welcome, StringComparison.Ordinal);
        string id = welcome[8..];

        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(hub, way, id + "pub room hello"));
        Assert.Equal("published 0", await lines.ReadLineAsync(ClientSteps.Limited()));

        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(hub, way, id + new string('x', 65)));
        Assert.StartsWith("over 1009 ", await lines.ReadLineAsync(ClientSteps.Limited()), StringComparison.Ordinal);
        Assert.Null(await lines.ReadLineAsync(ClientSteps.Limited()));

        await StreamHub.Until(() => hub.Hub.Counters.Open == 0);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(hub, way, id + "pub room late"));
    }

    private static async Task<HttpStatusCode> StatusAsync(HubInKestrel hub, Way way, string body)
    {
        using HttpResponseMessage answer = await PostAsync(hub, way, NoteDialect.SendPath, body);
        return answer.StatusCode;
    }

    private static async Task<HttpResponseMessage> PostAsync(HubInKestrel hub, Way way, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(way == Way.Plain ? hub.Plain : hub.Secured, path))
        {
            Version = way == Way.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent(body, Encoding.UTF8),
        };
        return await hub.Http.SendAsync(request, ClientSteps.Limited());
    }
}
