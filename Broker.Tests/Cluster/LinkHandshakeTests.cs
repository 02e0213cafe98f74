using Broker.Cluster.Links;

namespace Broker.Tests.Cluster;

public sealed class LinkHandshakeTests
{
    private const string Secret = "a secret of some length";

    private static LinkAgreement Agreement(string cluster = "broker", string secret = Secret, string partitions = "512") =>
        new(cluster, secret, [KeyValuePair.Create("broker.cluster.partitions", partitions)]);

    // Runs both sides against each other; returns what each has at the end.
    private static (HandshakeStep Dialer, HandshakeStep Acceptor) Run(
        LinkAgreement dialing, LinkAgreement accepting, Func<LinkPeer, LinkRefusal?>? judge = null, LinkPurpose purpose =
            LinkPurpose.Membership)
    {
        var dialer = new DialerHandshake(new LinkSelf("10.0.0.1:7700", 11, IsMember: false), dialing, purpose, argument: 3);
        var acceptor =
            new AcceptorHandshake(static () => new LinkSelf("10.0.0.2:7700", 22, IsMember: true), accepting, judge ?? (static _ => null));
        byte[] toAcceptor = dialer.Begin();
        HandshakeStep atDialer = default;
        HandshakeStep atAcceptor = default;
        while (toAcceptor.Length > 0)
        {
            atAcceptor = acceptor.Handle(toAcceptor[4], toAcceptor.AsSpan(LinkFrames.HeadBytes));
            if (atAcceptor.Reply.Length == 0) break;
            atDialer = dialer.Handle(atAcceptor.Reply[4], atAcceptor.Reply.AsSpan(LinkFrames.HeadBytes));
            toAcceptor = atDialer.Reply;
        }

        return (atDialer, atAcceptor);
    }

    [Fact]
    public void Two_nodes_that_agree_know_each_other()
    {
        (HandshakeStep dialer, HandshakeStep acceptor) = Run(Agreement(), Agreement());
        Assert.Equal(new LinkPeer("10.0.0.2:7700", 22, IsMember: true, LinkPurpose.Membership, 3), dialer.Peer);
        Assert.Equal(new LinkPeer("10.0.0.1:7700", 11, IsMember: false, LinkPurpose.Membership, 3), acceptor.Peer);
    }

    [Theory]
    [InlineData("other", Secret, "512", LinkRefusalKind.Cluster, "broker.cluster.name")]
    [InlineData("broker", "another secret, as long", "512", LinkRefusalKind.Secret, "broker.cluster.secret")]
    [InlineData("broker", "", "512", LinkRefusalKind.Secret, "broker.cluster.secret")]
    [InlineData("broker", Secret, "1024", LinkRefusalKind.Setting, "broker.cluster.partitions is 1024")]
    public void What_differs_is_named_on_both_sides(string cluster, string secret, string partitions, LinkRefusalKind kind, string named)
    {
        (HandshakeStep dialer, HandshakeStep acceptor) = Run(Agreement(cluster, secret, partitions), Agreement());
        Assert.Null(dialer.Peer);
        Assert.Null(acceptor.Peer);
        Assert.Equal(kind, acceptor.Refusal!.Kind);
        Assert.Equal(acceptor.Refusal, dialer.Refusal);
        Assert.Contains(named, dialer.Refusal!.Reason, StringComparison.Ordinal);
        Assert.True(dialer.Refusal.IsForGood);
    }

    [Fact]
    public void Who_does_not_know_the_secret_learns_nothing_of_the_cluster()
    {
        (_, HandshakeStep acceptor) = Run(Agreement("other", "another secret, as long", "1024"), Agreement());
        Assert.Equal(LinkRefusalKind.Secret, acceptor.Refusal!.Kind);
        Assert.DoesNotContain("512", acceptor.Refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_acceptor_without_the_secret_is_refused_too()
    {
        var dialer = new DialerHandshake(new LinkSelf("10.0.0.1:7700", 1, IsMember: false), Agreement(), LinkPurpose.Probe);
        _ = dialer.Begin();
        _ = dialer.Handle((byte)LinkFrameKind.Challenge, new byte[17] { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 });
        HandshakeStep step = dialer.Handle((byte)LinkFrameKind.Welcome, new byte[64]);
        Assert.Equal(LinkRefusalKind.Secret, step.Refusal!.Kind);
        Assert.Equal((byte)LinkFrameKind.Refused, step.Reply[4]);
    }

    [Fact]
    public void A_version_in_common_is_needed()
    {
        byte[] hello = new DialerHandshake(default, Agreement(), LinkPurpose.Probe).Begin();
        hello[LinkFrames.HeadBytes + 4] = hello[LinkFrames.HeadBytes + 5] = 9;
        HandshakeStep step =
            new AcceptorHandshake(static () => default, Agreement(), static _ => null).Handle(hello[4], hello.AsSpan(LinkFrames.HeadBytes));
        Assert.Equal(LinkRefusalKind.Version, step.Refusal!.Kind);
        Assert.Contains("9 to 9", step.Refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_judge_has_the_last_word()
    {
        (HandshakeStep dialer, _) =
            Run(Agreement(), Agreement(), static peer => new LinkRefusal(LinkRefusalKind.NotMember, $"{peer.Uid} is no member"),
                LinkPurpose.Lane);
        Assert.Equal(new LinkRefusal(LinkRefusalKind.NotMember, "11 is no member"), dialer.Refusal);
        Assert.False(dialer.Refusal!.IsForGood);
    }

    [Fact]
    public void Any_bytes_at_any_step_are_refused_and_never_throw()
    {
        var random = new Random(7);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] payload = new byte[random.Next(0, 200)];
            random.NextBytes(payload);
            byte kind = (byte)random.Next(0, 7);
            var dialer = new DialerHandshake(new LinkSelf("10.0.0.1:7700", 1, IsMember: false), Agreement(), LinkPurpose.Probe);
            Assert.Null(dialer.Handle(kind, payload).Peer);

            var acceptor = new AcceptorHandshake(static () => default, Agreement(), static _ => null);
            if (round % 2 == 0) _ = acceptor.Handle((byte)LinkFrameKind.Hello, dialer.Begin().AsSpan(LinkFrames.HeadBytes));
            Assert.Null(acceptor.Handle(kind, payload).Peer);
        }
    }
}
