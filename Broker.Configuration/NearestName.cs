namespace Broker.Configuration;

/// <summary>Finds what someone who misspelt a name most likely meant.</summary>
public static class NearestName
{
    /// <summary>Finds the name with the fewest letters to change.</summary>
    /// <param name="written">What was written.</param>
    /// <param name="known">What could have been meant.</param>
    /// <returns>The nearest name, or <c>null</c> when more than half of its letters would have to change.</returns>
    public static string? Find(string written, IEnumerable<string> known)
    {
        string? nearest = known.MinBy(name => Distance(written, name));
        return nearest is not null && Distance(written, nearest) * 2 <= nearest.Length ? nearest : null;
    }

    /// <summary>Counts the letters to insert, remove or replace between two words: Levenshtein's distance.</summary>
    public static int Distance(ReadOnlySpan<char> one, ReadOnlySpan<char> other)
    {
        int[] row = new int[other.Length + 1];
        for (int column = 0; column < row.Length; column++) row[column] = column;
        foreach (char letter in one)
        {
            int diagonal = row[0]++;
            for (int column = 1; column < row.Length; column++)
            {
                int replaced = diagonal + (letter == other[column - 1] ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(replaced, Math.Min(diagonal, row[column - 1]) + 1);
            }
        }

        return row[^1];
    }
}
