using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Configuration;

namespace Broker.Actors.Settings;

/// <summary>Reads the options of channels: those without a namespace, and each namespace.</summary>
public static class ChannelSettingsBinder
{
    private const string Namespaces = "broker.namespaces.";
    private const int KiB = 1024, MiB = 1024 * KiB;

    /// <summary>Reads every namespace that a layer names.</summary>
    public static IReadOnlyList<ChannelNamespace> ReadNamespaces(SettingsReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var namespaces = new List<ChannelNamespace>();
        foreach (string name in reader.GetNames(Namespaces))
        {
            if (name.Length < 2 || !name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_'))
                reader.RefuseName(Namespaces, name, "a name of two or more of letters, digits, - and _");
            else
                namespaces.Add(Read(reader, Namespaces + name, name));
        }

        return namespaces;
    }

    /// <summary>Reads one group.</summary>
    /// <param name="reader">What is wrong stays noted in it.</param>
    /// <param name="group">The group's full key.</param>
    /// <param name="name">The namespace, or empty.</param>
    public static ChannelNamespace Read(SettingsReader reader, string group, string name)
    {
        ArgumentNullException.ThrowIfNull(reader);
        TimeSpan second = TimeSpan.FromSeconds(1);
        var options = new ChannelNamespace
        {
            Name = name,
            History = new HistoryOptions
            {
                Size = reader.GetCount($"{group}.history.size", 0, 100_000),
                Ttl = reader.GetDuration($"{group}.history.ttl", TimeSpan.Zero, TimeSpan.FromDays(365)),
                MetaTtl = reader.GetDuration($"{group}.history.meta-ttl", second, TimeSpan.FromDays(3650)),
                Durability = reader.GetChoice<HistoryDurability>($"{group}.history.durability"),
            },
            Recovery = reader.GetSwitch($"{group}.recovery"),
            RecoveryMode = reader.GetChoice<RecoveryMode>($"{group}.recovery-mode"),
            Retained = reader.GetSwitch($"{group}.retained"),
            Positioning = reader.GetSwitch($"{group}.positioning"),
            Presence = reader.GetSwitch($"{group}.presence"),
            JoinLeave = reader.GetChoice<JoinLeave>($"{group}.join-leave"),
            CoalesceAbove = reader.GetCount($"{group}.coalesce-above", 0, 1_000_000),
            Subscribe = reader.GetChoice<ChannelAccess>($"{group}.subscribe"),
            Publish = reader.GetChoice<ChannelAccess>($"{group}.publish"),
            PresenceAccess = reader.GetChoice<ChannelAccess>($"{group}.presence-access"),
            HistoryAccess = reader.GetChoice<ChannelAccess>($"{group}.history-access"),
            SubscribeProxy = reader.GetSwitch($"{group}.subscribe-proxy"),
            PublishProxy = reader.GetSwitch($"{group}.publish-proxy"),
            UserLimited = reader.GetSwitch($"{group}.user-limited"),
            Pattern = reader.GetPattern($"{group}.pattern"),
            MessageBytesMax = reader.GetSize($"{group}.message-bytes-max", 1, 1024 * MiB),
            PublishRate = reader.GetCount($"{group}.publish-rate", 0, 1_000_000),
            SlowConsumer = reader.GetChoice<SlowConsumerPolicy>($"{group}.slow-consumer"),
            SlowConsumerBytesMax = reader.GetSize($"{group}.slow-consumer-bytes-max", KiB, 64 * MiB),
            Delta = reader.GetChoice<DeltaKind>($"{group}.delta"),
            DeltaPublish = reader.GetSwitch($"{group}.delta-publish"),
            TagsFilter = reader.GetSwitch($"{group}.tags-filter"),
        };
        if (reader.IsGood) Compare(reader, group, options);
        return options;
    }

    private static void Compare(SettingsReader reader, string group, ChannelNamespace options)
    {
        HistoryOptions history = options.History;
        if (history.Size > 0 != history.Ttl > TimeSpan.Zero)
            reader.Refuse(
                $"{group}.history.{(history.Size > 0 ? "ttl" : "size")}", "more than nothing, as size and ttl of a history go together");
        if (history.IsOn && history.MetaTtl < history.Ttl)
            reader.Refuse($"{group}.history.meta-ttl", $"at least the ttl of {SettingUnits.Write(history.Ttl)}");
        if (options.Recovery && !history.IsOn)
            reader.Refuse($"{group}.recovery", "off, as nothing is kept: set history.size and history.ttl");
        if (options.Positioning && !history.IsOn)
            reader.Refuse($"{group}.positioning", "off, as nothing is kept: set history.size and history.ttl");
        if (options.Retained && !(options.Recovery && options.RecoveryMode == RecoveryMode.Cache))
            reader.Refuse($"{group}.retained", "off, or recovery = on and recovery-mode = cache");
        if (options.JoinLeave != JoinLeave.Off && !options.Presence) reader.Refuse($"{group}.join-leave", "off, or presence = on");
        if (options.Subscribe == ChannelAccess.Subscribers)
            reader.Refuse($"{group}.subscribe", "one of anonymous, authenticated, token, none");
        if (options.Publish == ChannelAccess.Token) reader.Refuse($"{group}.publish", "one of anonymous, authenticated, subscribers, none");
        if (options.PresenceAccess == ChannelAccess.Token)
            reader.Refuse($"{group}.presence-access", "one of anonymous, authenticated, subscribers, none");
        if (options.HistoryAccess == ChannelAccess.Token)
            reader.Refuse($"{group}.history-access", "one of anonymous, authenticated, subscribers, none");
    }
}
