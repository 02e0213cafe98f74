using System.Globalization;

namespace Broker.Bench.Load;

/// <summary>How long a run takes.</summary>
internal sealed record Pace(double WarmSeconds, double Seconds);

/// <summary>One question that a load run asks every server.</summary>
/// <param name="Name">As <c>--only</c> matches it.</param>
internal abstract record Scenario(string Name)
{
    /// <summary>What is done, in a line.</summary>
    public abstract string Description { get; }

    /// <summary>The columns, the one that matters most first.</summary>
    public abstract IReadOnlyList<Metric> Metrics { get; }

    /// <summary>The generator's figure of how much is done a second; none where it is not speed that is asked for.</summary>
    public virtual string? Rate => null;

    /// <summary>Whether each round needs a server that has served no one yet.</summary>
    public virtual bool Fresh => false;

    /// <summary>
    /// How often it is done before the first round, for a server that has to compile itself: warming up is else the generator's.
    /// </summary>
    public virtual int Rehearsals => 0;

    /// <summary>Whether servers of the dialect can be asked at all.</summary>
    public abstract bool Suits(Dialect dialect);

    /// <summary>The generator's command line, without the server's port.</summary>
    public abstract IEnumerable<string> Arguments(Dialect dialect, Pace pace);

    /// <summary>A short run before a server's first turn that looks at every byte; none where counting is enough.</summary>
    /// <remarks>Never while it is measured: comparing 16 KiB costs the generator more than a fast server needs to answer.</remarks>
    public virtual IEnumerable<string>? CheckArguments(Dialect dialect) => null;

    /// <summary>What is wrong with the counts of a reading, or none: a speed says nothing unless all messages came.</summary>
    public abstract string? Fault(Reading reading);

    /// <summary>Adds what the generator does not know.</summary>
    public virtual void Complete(Reading reading, long residentKiBBefore)
    {
    }

    protected static string Text(double figure) => figure.ToString(CultureInfo.InvariantCulture);

    protected static string Grouped(int figure) => figure.ToString("N0", CultureInfo.InvariantCulture);

    protected static string Counted(int figure, string noun) => $"{Grouped(figure)} {noun}{(figure == 1 ? "" : "s")}";
}
