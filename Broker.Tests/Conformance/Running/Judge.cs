using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance.Running;

/// <summary>Judges what happened in a case. Pure: it sees a finished transcript.</summary>
public static class Judge
{
    /// <summary>How the connection ended. The first rule that applies decides.</summary>
    public static Closing JudgeClosing(ConformanceCase played, Transcript seen)
    {
        ClosingRule rule = played.Closing;
        if (seen.EndedBy != rule.Closer) return Closing.Failed;
        if (rule.MustBeClean && !seen.IsClean) return Closing.Unclean;
        if (seen.ServerClose?.Code is int code && rule.Codes is { } codes && !codes.Contains(code)) return Closing.WrongCode;
        return seen.DroppedByClient ? Closing.FailedByClient : Closing.Ok;
    }

    /// <summary>How the server behaved.</summary>
    /// <param name="played">The case.</param>
    /// <param name="seen">What happened.</param>
    /// <param name="play">What the player noticed on the way.</param>
    /// <param name="closing">The verdict on the end, which decides in some groups.</param>
    public static Behaviour JudgeBehaviour(ConformanceCase played, Transcript seen, PlayNotes play, Closing closing)
    {
        if (seen.Violation is not null || play.ExchangeFailure is not null) return Behaviour.Failed;

        Behaviour verdict = played.Outcomes.FirstOrDefault(o => o.Matches(seen.Events))?.Behaviour ?? Behaviour.Failed;
        if (verdict is Behaviour.Failed or Behaviour.Informational) return verdict;
        if (played.ClosingDecides && closing == Closing.Failed) return Behaviour.Failed;
        if (played.Group == 7 && closing == Closing.WrongCode) return Behaviour.Failed;
        if (play.Unimplemented) return Behaviour.Unimplemented;
        return played.JudgedByPause ? play.EndedInPause ?? verdict : verdict;
    }
}

/// <summary>What only the player of a case can know.</summary>
/// <param name="Unimplemented">The server accepted no extension where the case needs one.</param>
/// <param name="EndedInPause">What the pause in which the server failed the connection makes of it; null without one.</param>
/// <param name="ExchangeFailure">Why an exchange of messages stopped before its end.</param>
public sealed record PlayNotes(bool Unimplemented = false, Behaviour? EndedInPause = null, string? ExchangeFailure = null);
