namespace Broker.Configuration;

/// <summary>The settings cannot be used. The message is for the author of them and says where to look.</summary>
public sealed class SettingException : Exception
{
    /// <summary>Makes an exception of everything that was found wrong.</summary>
    /// <param name="problems">At least one sentence, each complete in itself.</param>
    public SettingException(IReadOnlyList<string> problems)
        : base(string.Join(Environment.NewLine, problems)) => Problems = problems;

    /// <summary>Makes an exception of one problem.</summary>
    public SettingException(string problem)
        : this([problem])
    {
    }

    /// <summary>All that is wrong, so that one run of <c>check-config</c> shows all there is to mend.</summary>
    public IReadOnlyList<string> Problems { get; }
}
