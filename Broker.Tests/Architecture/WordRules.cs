using System.Text.RegularExpressions;

namespace Broker.Tests.Architecture;

/// <summary>Words that no name has: each has a standard term instead, which CONTRIBUTING.md lists.</summary>
internal static partial class WordRules
{
    // Words of a name, such as "hear" in HearAsync.
    private static readonly HashSet<string> s_words = new(StringComparer.OrdinalIgnoreCase)
    {
        "say", "says", "said", "saying", "tell", "tells", "told", "telling", "obey", "obeys", "obeyed", "hear", "hears", "heard", "hearing",
        "speak", "speaks", "spoke", "spoken", "speaker", "speakers", "speech", "farewell", "goodbye",
        "conversation", "conversations", "outlet", "outlets", "forget", "forgets", "forgotten", "quick", "wicked", "siege", "doorman",
            "doors",
        "whoever", "somebody", "anybody", "nobody", "everybody", "mould", "newcomer",
    };

    // Besides, a client has no subscription of a channel but a subscription; Akka's clusters have members.

    // Several words together.
    private static readonly string[] s_parts =
    [
        "LetIn", "LetGo", "GiveBack", "TurnAway", "SendAway", "SentAway", "SeeOff", "ChannelPlace", "TooBigException", "RefusedException",
            "LastWord",
    ];

    // Akka's own names. A declaration of one of them is a private word all the same.
    private static readonly HashSet<string> s_ofAkka = ["Tell", "Outlet", "Nobody"];

    /// <summary>Names in one file that have a private word, and the file's own name if it has one.</summary>
    /// <param name="path">From the root of the repository.</param>
    /// <param name="code">Its text without comments and without what stands in strings.</param>
    public static IEnumerable<string> Check(string path, string code)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        if (IsPrivate(name)) yield return $"{path}: its name";
        bool isOfNodes = path.Contains("Cluster", StringComparison.Ordinal);
        IEnumerable<string> found = Names().Matches(code).Select(static match => match.Value).Distinct();
        foreach (string word in found.Where(
            word => (!s_ofAkka.Contains(word) && IsPrivate(word))
                || (!isOfNodes && word.Contains("Membership", StringComparison.Ordinal)))) yield return $"{path}: {word}";
        foreach (Match declared in DeclaredOfAkka().Matches(code)) yield return $"{path}: {declared.Groups[1].Value}";

        // An environment is the process's; what a class is given to work with is its context.
        foreach (Match environment in Environments().Matches(code)) yield return $"{path}: {environment.Groups[1].Value}";
    }

    private static bool IsPrivate(string name) =>
        s_parts.Any(part => name.Contains(part, StringComparison.Ordinal))
            || Parts().Matches(name).Any(static part => s_words.Contains(part.Value));

    [GeneratedRegex(@"\b[A-Za-z_]\w*\b")]
    private static partial Regex Names();

    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")]
    private static partial Regex Parts();

    [GeneratedRegex(@"\b(?:void|int|bool|string|Task|ValueTask)\s+(Tell|Outlet|Nobody)\s*[(<;={]")]
    private static partial Regex DeclaredOfAkka();

    [GeneratedRegex(@"\b(?:class|record|struct|interface)\s+(\w+Environment)\b")]
    private static partial Regex Environments();
}
