using Broker.Actors.Limits;
using Broker.Configuration;

namespace Broker.Actors.Settings;

/// <summary>Reads the rates of clients.</summary>
internal static class LimitSettingsBinder
{
    private const string Group = "broker.limits";
    private const int CountMax = 100_000_000;

    /// <summary>Reads the group; what is wrong stays noted in the reader.</summary>
    internal static LimitSettings Read(SettingsReader reader) => new()
    {
        Connection = ReadRates(reader, $"{Group}.connection"),
        User = ReadShared(reader, $"{Group}.user"),
        Address = ReadShared(reader, $"{Group}.address"),
        EntriesMax = reader.GetCount($"{Group}.entries-max", 1, 10_000_000),
        RefusedMax = reader.GetCount($"{Group}.refused-max", 0, CountMax),
    };

    private static SharedRateSettings ReadShared(SettingsReader reader, string group)
    {
        RateSettings rates = ReadRates(reader, group);
        return new SharedRateSettings
        {
            Commands = rates.Commands,
            Publishes = rates.Publishes,
            Subscribes = rates.Subscribes,
            Bytes = rates.Bytes,
            Connects = reader.GetCount($"{group}.connects", 0, CountMax),
        };
    }

    private static RateSettings ReadRates(SettingsReader reader, string group) => new()
    {
        Commands = reader.GetCount($"{group}.commands", 0, CountMax),
        Publishes = reader.GetCount($"{group}.publishes", 0, CountMax),
        Subscribes = reader.GetCount($"{group}.subscribes", 0, CountMax),
        Bytes = reader.GetLongSize($"{group}.bytes", 0, 1L << 40),
    };
}
