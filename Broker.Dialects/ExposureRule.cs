using System.Net;

namespace Broker.Dialects;

/// <summary>Who may reach the hub without saying who they are: on loopback anyone, elsewhere only by explicit wish.</summary>
public static class ExposureRule
{
    /// <summary>Judges whether a hub may start with these settings.</summary>
    /// <returns>
    /// <c>Safe</c>: only this machine reaches it, or no one unknown comes in.
    /// <c>Wished</c>: anyone comes in, and the settings say so explicitly; start, and warn loudly.
    /// <c>Refused</c>: anyone would come in, and no one asked for that; do not start.
    /// </returns>
    /// <param name="settings">The hub's.</param>
    /// <param name="others">Addresses beside the public port's that lead to the hub.</param>
    public static Exposure Check(StandardSettings settings, params IReadOnlyList<IPAddress> others)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(others);
        bool open = settings.Access.Anonymous || settings.Echo.Enabled;
        if (!open || (IPAddress.IsLoopback(settings.Listen.Address) && others.All(IPAddress.IsLoopback))) return Exposure.Safe;
        return settings.Listen.AllowAnonymousAnywhere ? Exposure.Wished : Exposure.Refused;
    }

    /// <summary>Tells what is open, for a refusal or a warning.</summary>
    /// <param name="settings">The hub's.</param>
    /// <param name="others">Addresses beside the public port's that lead to the hub.</param>
    public static string Describe(StandardSettings settings, params IReadOnlyList<IPAddress> others)
    {
        ArgumentNullException.ThrowIfNull(settings);
        string who = (settings.Access.Anonymous, settings.Echo.Enabled) switch
        {
            (true, true) => "anonymous clients (broker.centrifuge.anonymous) and the echo endpoint (broker.echo.enabled) are",
            (true, false) => "anonymous clients (broker.centrifuge.anonymous) are",
            _ => "the echo endpoint (broker.echo.enabled) is",
        };
        IPAddress first =
            ((IPAddress[])[settings.Listen.Address, .. others])
                .FirstOrDefault(address => !IPAddress.IsLoopback(address), settings.Listen.Address);
        return $"{who} open to anyone who can reach {first}";
    }
}

/// <summary>How open a hub is; see <see cref="ExposureRule.Check"/>.</summary>
public enum Exposure
{
    /// <summary>No one unknown comes in from elsewhere.</summary>
    Safe,

    /// <summary>Anyone comes in, as the settings explicitly wish.</summary>
    Wished,

    /// <summary>Anyone would come in, and no one asked for it.</summary>
    Refused,
}
