using System.Text;
using Broker.Actors.Dialects;
using Broker.Core.Upgrade;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Reactor.Loops;

namespace Broker.Tests.Dialects.Centrifuge.Forms;

public sealed class EmulationPostTests
{
    private const string Node = "node-1";

    private readonly SessionDirectory _sessions = new();
    private readonly MessageInbox _inbox = new(bytesMax: 100);

    [Fact]
    public async Task Data_is_given_to_its_session_as_it_was_before_it_became_a_text()
    {
        string session = _sessions.Add(_inbox);

        Assert.Null(Post($$"""{"other":[1,{}],"node":"node-1","session":"{{session}}","data":"{\"id\":1,\"x\":\"\u00fc\\n\"}\n{}"}"""));

        Assert.Equal("{\"id\":1,\"x\":\"ü\\n\"}\n{}", await ReadAsync());
    }

    [Fact]
    public async Task The_Protobuf_form_has_the_same_members()
    {
        byte[] session = Encoding.ASCII.GetBytes(_sessions.Add(_inbox));
        byte[] body = [0x0A, 6, .. "node-1"u8, 0x12, 32, .. session, 0x1A, 3, 2, 8, 1, 0x20, 7];

        Assert.Null(new EmulationPost(_sessions, Node).Post("application/octet-stream", body));

        Assert.Equal("\u0002\u0008\u0001", await ReadAsync());
    }

    [Fact]
    public void What_waits_too_long_is_refused_with_429()
    {
        string request = $$"""{"node":"node-1","session":"{{_sessions.Add(_inbox)}}","data":"{{new string(' ', 60)}}"}""";

        Assert.Null(Post(request));
        UpgradeFault full = Post(request)!.Value;

        Assert.Equal(429, full.Status);
        Assert.NotNull(full.RetryAfter);
    }

    [Theory]
    [InlineData("", 400)]
    [InlineData("null", 400)]
    [InlineData("{\"data\":1}", 400)]
    [InlineData("{\"node\":\"node-1\",\"data\":\"\\ud800\"}", 400)]
    [InlineData("{\"node\":\"node-1\"} x", 400)]
    [InlineData("{}", 404)]
    [InlineData("{\"node\":\"NODE-1\"}", 404)]
    public void A_malformed_request_and_another_node_are_refused(string body, int status) => Assert.Equal(status, Post(body)!.Value.Status);

    [Fact]
    public void An_unknown_session_and_one_that_is_over_look_alike()
    {
        string session = _sessions.Add(_inbox);
        _inbox.End();
        Assert.Null(Post($$"""{"node":"node-1","session":"{{session}}","data":"{}"}"""));
        _sessions.Remove(session);

        Assert.Equal(0, _sessions.Count);
        Assert.Null(Post($$"""{"node":"node-1","session":"{{session}}","data":"{}"}"""));
        Assert.Null(Post("""{"node":"node-1","session":"x","data":"{}"}"""));
    }

    private UpgradeFault? Post(string body) => new EmulationPost(_sessions, Node).Post("application/json", Encoding.UTF8.GetBytes(body));

    private async Task<string> ReadAsync()
    {
        byte[] frame = new byte[200];
        int length = await _inbox.ReadAsync(frame, CancellationToken.None);
        return Encoding.UTF8.GetString(frame, 6, length - 6);
    }
}
