using Broker.Dialects;
using Broker.Actors.Access;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Settings;
using Broker.Actors.Model;
using Broker.Configuration;

namespace Broker.Tests.Channels;

public sealed class ChannelNamespacesTests
{
    [Theory]
    [InlineData("news", "")]
    [InlineData("chat:room", "chat")]
    [InlineData("chat:room:1", "chat")]
    [InlineData("chat:", "chat")]
    public void The_namespace_is_what_stands_before_the_first_colon(string channel, string expected)
    {
        ChannelNamespaces namespaces = Read("broker.namespaces.chat.presence = on");

        Assert.True(namespaces.TryResolve(channel, out ChannelNamespace? found, out _));
        Assert.Equal(expected, found.Name);
    }

    [Theory]
    [InlineData("other:room")]
    [InlineData("Chat:room")]
    [InlineData(":room")]
    public void An_unknown_namespace_is_an_unknown_channel(string channel)
    {
        Assert.False(Read("broker.namespaces.chat.presence = on").TryResolve(channel, out _, out HubError error));
        Assert.Equal(HubError.UnknownChannel, error);
    }

    [Theory]
    [InlineData("broker.namespaces.chat {}")]
    [InlineData("broker.namespaces.chat = {}")]
    [InlineData("broker { namespaces { other { presence = on }, chat { } } }")]
    [InlineData("broker.namespaces { chat { # nothing but the defaults\n }\n other.presence = on }")]
    [InlineData("broker.namespaces.chat.history {}")]
    public void A_namespace_without_options_is_one_with_the_defaults(string text)
    {
        ChannelNamespaces namespaces = Read(text);

        Assert.True(namespaces.TryResolve("chat:room", out ChannelNamespace? found, out _));
        Assert.Equal(new ChannelNamespace { Name = "chat" }, found);
        Assert.False(namespaces.TryResolve("nowhere:room", out _, out HubError error));
        Assert.Equal(HubError.UnknownChannel, error);
    }

    [Fact]
    public void Without_any_namespace_a_colon_means_nothing()
    {
        Assert.True(ChannelNamespaces.Default.TryResolve("chat:room", out ChannelNamespace? found, out _));
        Assert.Equal("", found.Name);
    }

    [Theory]
    [InlineData("users:42", true)]
    [InlineData("users:4x", false)]
    [InlineData("users:", false)]
    [InlineData("users:42\n", false)]
    public void A_pattern_matches_the_whole_rest(string channel, bool expected)
    {
        ChannelNamespaces namespaces = Read("broker.namespaces.users.pattern = \"[0-9]+|all\"");

        Assert.Equal(expected, namespaces.TryResolve(channel, out _, out HubError error));
        if (!expected) Assert.Equal(HubError.BadRequest, error);
    }

    [Theory]
    [InlineData("news#42", "42", true)]
    [InlineData("news#42", "4", false)]
    [InlineData("dialog#42,43", "43", true)]
    [InlineData("dialog#42,43", "42,43", false)]
    [InlineData("a#1#42", "42", true)]
    [InlineData("a#1#42", "1", false)]
    [InlineData("news#", "", true)]
    [InlineData("news#42", "", false)]
    public void A_user_limited_channel_is_for_those_it_names(string channel, string user, bool expected)
    {
        var options = new ChannelNamespace { UserLimited = true };

        Assert.Equal(expected, ChannelRules.Check(HubAction.Subscribe, channel, options, user, isSubscribed: false) is null);
    }

    [Theory]
    [InlineData(ChannelAccess.None, "42", true, false)]
    [InlineData(ChannelAccess.Anonymous, "", false, true)]
    [InlineData(ChannelAccess.Authenticated, "", true, false)]
    [InlineData(ChannelAccess.Authenticated, "42", false, true)]
    [InlineData(ChannelAccess.Subscribers, "", true, true)]
    [InlineData(ChannelAccess.Subscribers, "42", false, false)]
    public void The_namespace_decides_who_may_publish(ChannelAccess access, string user, bool isSubscribed, bool expected)
    {
        var options = new ChannelNamespace { Publish = access };

        HubError? refused = ChannelRules.Check(HubAction.Publish, "c", options, user, isSubscribed);

        Assert.Equal(expected ? null : HubError.PermissionDenied, refused);
    }

    [Fact]
    public void What_a_namespace_does_not_have_is_not_available()
    {
        Assert.Equal(HubError.NotAvailable, ChannelRules.Check(HubAction.History, "c", new ChannelNamespace(), "", isSubscribed: true));
        Assert.Equal(HubError.NotAvailable, ChannelRules.Check(HubAction.Presence, "c", new ChannelNamespace(), "", isSubscribed: true));
    }

    [Fact]
    public void A_namespace_has_its_own_values_over_the_built_in_defaults()
    {
        ChannelNamespaces namespaces = Read("""
            broker.channels { presence = on, history { size = 5, ttl = 1m } }
            broker.namespaces.chat { history { size = 100, ttl = 1h }, recovery = on, slow-consumer = keep-latest, delta = fossil }
            """);

        ChannelNamespace chat = Assert.Single(namespaces.Named);
        Assert.Equal((100, TimeSpan.FromHours(1), TimeSpan.FromDays(30)), (chat.History.Size, chat.History.Ttl, chat.History.MetaTtl));
        Assert.False(chat.Presence);
        Assert.Equal(DeltaKind.Fossil, chat.Delta);
        Assert.True(namespaces.WithoutNamespace.Presence);
    }

    [Theory]
    [InlineData("broker.namespaces.chat.history.sise = 1",
        "mine.conf line 1: there is no setting broker.namespaces.chat.history.sise; did you mean broker.namespaces.chat.history.size?")]
    [InlineData("broker.namespace.chat {}", "mine.conf line 1: there is no group of settings broker.namespace.chat.")]
    [InlineData("broker.namespaces.c {}", "two or more")]
    [InlineData("broker.namespaces.chat.slow-consumer = wait",
        "mine.conf line 1: broker.namespaces.chat.slow-consumer is wait, expected one of disconnect, drop-oldest, drop-newest, "
            + "keep-latest.")]
    [InlineData("broker.namespaces.chat.recovery = on",
        "mine.conf line 1: broker.namespaces.chat.recovery is on, expected off, as nothing is kept: set history.size and history.ttl.")]
    [InlineData("broker.namespaces.chat.history.size = 5", "reference.conf")]
    [InlineData("broker.namespaces.chat.join-leave = on",
        "mine.conf line 1: broker.namespaces.chat.join-leave is on, expected off, or presence = on.")]
    [InlineData("broker.namespaces.chat.pattern = \"(a)\\\\1\"",
        "mine.conf line 1: broker.namespaces.chat.pattern is (a)\\1, expected a regular expression")]
    [InlineData("broker.namespaces.c.presence = on", "broker.namespaces.c: expected a name of two or more of letters, digits, - and _.")]
    [InlineData("broker.namespaces.chat = 5", "mine.conf line 1: there is no setting broker.namespaces.chat")]
    [InlineData("broker.channels.retained = on",
        "mine.conf line 1: broker.channels.retained is on, expected off, or recovery = on and recovery-mode = cache.")]
    [InlineData("broker.channels.subscribe = subscribers",
        "mine.conf line 1: broker.channels.subscribe is subscribers, expected one of anonymous, authenticated, token, none.")]
    public void A_bad_option_is_named_with_what_would_be_right(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<SettingException>(() => Read(text)).Message, StringComparison.Ordinal);

    private static ChannelNamespaces Read(string text)
    {
        var reader = new SettingsReader(new SettingsLayers([HubReference.Layer], [SettingsLayer.Parse("mine.conf", text)]));
        StandardSettings settings = StandardSettingsBinder.Read(reader);
        reader.ThrowIfBad();
        return new ChannelNamespaces(settings.Channels, settings.Namespaces);
    }
}
