namespace Broker.Cli.Bench;

/// <summary>What became of all messages of a run, its warm-up included.</summary>
/// <param name="Expected">Messages that had to arrive, each where it had to.</param>
/// <param name="Lost">That did not.</param>
/// <param name="Duplicated">That arrived once more.</param>
/// <param name="Disordered">That arrived after one that was sent later.</param>
/// <param name="Damaged">Whose bytes were others than those sent, or that no one sent.</param>
internal readonly record struct Tally(long Expected, long Lost, long Duplicated, long Disordered, long Damaged)
{
    /// <summary>Whether everything arrived as it was sent, once and in order.</summary>
    public bool IsRight => Lost == 0 && Duplicated == 0 && Disordered == 0 && Damaged == 0;

    /// <summary>Adds one sender's messages at one place.</summary>
    public Tally With(SequenceCheck check, long sent)
    {
        check.Finish(sent);
        return this with
        {
            Expected = Expected + sent,
            Lost = Lost + check.Lost,
            Duplicated = Duplicated + check.Duplicated,
            Disordered = Disordered + check.Disordered,
        };
    }
}
