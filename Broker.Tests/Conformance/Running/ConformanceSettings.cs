using System.Globalization;

namespace Broker.Tests.Conformance.Running;

/// <summary>How a run is made.</summary>
/// <param name="CasesAtOnce">How many connections are open at a time, by all ways in together.</param>
/// <param name="MessageDivisor">What the number of messages of an exchange is divided by.</param>
/// <param name="Patience">What every limit is multiplied by; over 1 on a machine that is slow or shared.</param>
/// <param name="Selection">The cases to run, as <see cref="Cases.CaseCatalog.Select"/> reads them.</param>
public sealed record ConformanceSettings(int CasesAtOnce, int MessageDivisor, double Patience, string Selection)
{
    /// <summary>Every message of every case.</summary>
    public static ConformanceSettings Full { get; } = new(CasesAtOnce: 16, MessageDivisor: 1, Patience: 1, Selection: "");

    /// <summary>One message in two hundred, and at least five of a thousand: all rules, little waiting.</summary>
    public static ConformanceSettings Reduced { get; } = Full with { MessageDivisor = 200 };

    // Without the variable: no limit is what a case is about, and a machine that builds something else is slow.
    private const double UsualPatience = 40;

    /// <summary>What the variables BROKER_CONFORMANCE, _CASES and _PATIENCE ask for; without them, all cases reduced.</summary>
    public static ConformanceSettings FromEnvironment()
    {
        ConformanceSettings scale = Read("BROKER_CONFORMANCE") == "full" ? Full : Reduced;
        string patience = Read("BROKER_CONFORMANCE_PATIENCE");
        return scale with
        {
            Selection = Read("BROKER_CONFORMANCE_CASES"),
            Patience = patience.Length > 0 ? double.Parse(patience, CultureInfo.InvariantCulture) : UsualPatience,
        };
    }

    /// <summary>The number of messages of an exchange at this scale: never none.</summary>
    public int CountOf(int messages) => Math.Max(1, messages / MessageDivisor);

    private static string Read(string variable) => Environment.GetEnvironmentVariable(variable) ?? "";
}
