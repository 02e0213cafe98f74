using Broker.Actors.Settings;
using Broker.Configuration;
using Broker.Dialects.Centrifuge;
using Broker.Dialects.Echo;
using Broker.Dialects.Native;

namespace Broker.Dialects;

/// <summary>Turns layers into <see cref="StandardSettings"/>: every key, its type and its range, once.</summary>
public static class StandardSettingsBinder
{
    private const int KiB = 1024;
    private const int MiB = 1024 * KiB;
    private const int GiB = 1024 * MiB;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    // What holds for clients of every dialect stands under centrifuge, since that was the only one; the keys are kept.
    private const string Clients = "broker.centrifuge";

    /// <summary>The layers below all others: the hub's own reference.conf and that of its dialects.</summary>
    public static IReadOnlyList<SettingsLayer> References { get; } =
        [HubReference.Layer, HubReference.Load(typeof(StandardSettingsBinder).Assembly, "Broker.Dialects.reference.conf")];

    /// <summary>Reads every setting of a hub and its dialects; what is wrong stays noted in the reader.</summary>
    public static StandardSettings Read(SettingsReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        StandardSettings settings = new()
        {
            Hub = HubSettingsBinder.Read(reader, Clients),
            Centrifuge = ReadCentrifuge(reader),
            Native = ReadNative(reader),
            Echo = ReadEcho(reader),
        };
        if (!reader.IsGood) return settings;
        settings = FitDefaults(settings, reader);
        CompareWithEachOther(settings, reader);
        return settings;
    }

    private static StandardSettings FitDefaults(StandardSettings settings, SettingsReader reader)
    {
        (int message, int commands) = reader.Fit(
            "broker.centrifuge.message-bytes-max", settings.Centrifuge.MessageBytesMax, "broker.centrifuge.command-bytes-max",
                settings.Centrifuge.CommandBytesMax);
        (int frame, int nativeCommands) = reader.Fit(
            "broker.native.frame-bytes-max", settings.Native.FrameBytesMax, "broker.native.command-bytes-max",
                settings.Native.CommandBytesMax);
        StreamSettings streams = settings.Native.Streams;
        (int stream, int connection) = reader.Fit(
            "broker.native.streams.bytes-max", streams.BytesMax, "broker.native.streams.connection-bytes-max", streams.ConnectionBytesMax);
        return settings with
        {
            Centrifuge = settings.Centrifuge with { MessageBytesMax = message, CommandBytesMax = commands },
            Native = settings.Native with
            {
                FrameBytesMax = frame,
                CommandBytesMax = nativeCommands,
                Streams = streams with { BytesMax = stream, ConnectionBytesMax = connection },
            },
        };
    }

    private static void CompareWithEachOther(StandardSettings settings, SettingsReader reader)
    {
        if (settings.Centrifuge.CommandBytesMax < settings.Centrifuge.MessageBytesMax)
        {
            reader.Refuse(
                "broker.centrifuge.command-bytes-max",
                $"at least the message-bytes-max of {SettingUnits.WriteSize(settings.Centrifuge.MessageBytesMax)}");
        }

        if (settings.Native.CommandBytesMax < settings.Native.FrameBytesMax)
        {
            reader.Refuse(
                "broker.native.command-bytes-max",
                $"at least the frame-bytes-max of {SettingUnits.WriteSize(settings.Native.FrameBytesMax)}");
        }

        if (settings.Native.Streams.ConnectionBytesMax < settings.Native.Streams.BytesMax)
        {
            reader.Refuse(
                "broker.native.streams.connection-bytes-max",
                $"at least the bytes-max of {SettingUnits.WriteSize(settings.Native.Streams.BytesMax)}");
        }

        ComparePaths(settings, reader);
    }

    // Each key against those before it, so that one message names both.
    private static void ComparePaths(StandardSettings settings, SettingsReader reader)
    {
        Dictionary<string, string> owners = new(StringComparer.Ordinal);
        foreach ((string key, string path) in settings.Paths)
        {
            if (!owners.TryAdd(path, key)) reader.Refuse(key, $"another path than {owners[path]} has");
        }
    }

    private static CentrifugeSettings ReadCentrifuge(SettingsReader reader) => new()
    {
        Path = reader.GetPath("broker.centrifuge.path"),
        HttpStream = ReadForm(reader, "broker.centrifuge.http-stream"),
        Sse = ReadForm(reader, "broker.centrifuge.sse"),
        EmulationPath = reader.GetPath("broker.centrifuge.emulation-path"),
        UniHttpStream = ReadForm(reader, "broker.centrifuge.uni-http-stream"),
        UniSse = ReadForm(reader, "broker.centrifuge.uni-sse"),
        UniWebsocket = ReadForm(reader, "broker.centrifuge.uni-websocket"),
        MessageBytesMax = reader.GetSize("broker.centrifuge.message-bytes-max", 256, 64 * MiB),
        FragmentsMax = reader.GetCount("broker.centrifuge.fragments-max", 1, 1 << 30),
        CommandsPerFrameMax = reader.GetCount("broker.centrifuge.commands-per-frame-max", 1, 65_536),
        CommandBytesMax = reader.GetSize("broker.centrifuge.command-bytes-max", KiB, GiB),
    };

    private static FormSettings ReadForm(SettingsReader reader, string key) =>
        new(reader.GetPath($"{key}.path")) { Enabled = reader.GetSwitch($"{key}.enabled") };

    private static NativeSettings ReadNative(SettingsReader reader) => new()
    {
        Enabled = reader.GetSwitch("broker.native.enabled"),
        Path = reader.GetPath("broker.native.path"),
        FrameBytesMax = reader.GetSize("broker.native.frame-bytes-max", KiB, 64 * MiB),
        FragmentsMax = reader.GetCount("broker.native.fragments-max", 1, 1 << 30),
        MessagesPerFrameMax = reader.GetCount("broker.native.messages-per-frame-max", 1, 65_536),
        CommandBytesMax = reader.GetSize("broker.native.command-bytes-max", KiB, GiB),
        Compression = reader.GetSwitch("broker.native.compression"),
        ItemsWindow = reader.GetCount("broker.native.items-window", 1, 65_536),
        Streams = new StreamSettings
        {
            OpenMax = reader.GetCount("broker.native.streams.open-max", 1, 1024),
            BytesMax = reader.GetSize("broker.native.streams.bytes-max", KiB, GiB),
            Window = reader.GetCount("broker.native.streams.window", 1, 65_536),
            ConnectionBytesMax = reader.GetSize("broker.native.streams.connection-bytes-max", KiB, GiB),
            ProcessBytesMax = reader.GetSize("broker.native.streams.process-bytes-max", KiB, GiB),
            IdleLimit = reader.GetDuration("broker.native.streams.idle-limit", Moment, Hour),
            LifeLimit = reader.GetDuration("broker.native.streams.life-limit", Moment, 24 * Hour),
        },
    };

    private static EchoSettings ReadEcho(SettingsReader reader) => new()
    {
        Enabled = reader.GetSwitch("broker.echo.enabled"),
        Path = reader.GetPath("broker.echo.path"),
        MessageBytesMax = reader.GetSize("broker.echo.message-bytes-max", 1, GiB),
        FragmentsMax = reader.GetCount("broker.echo.fragments-max", 1, 1 << 30),
    };
}
