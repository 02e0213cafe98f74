using System.Globalization;

namespace Broker.Core.Filters;

/// <summary>How a leaf of a filter compares.</summary>
public enum TagComparison
{
    /// <summary>The tag is there and equal.</summary>
    Equal,

    /// <summary>The tag is missing or another.</summary>
    NotEqual,

    /// <summary>One of the values; a missing tag counts as empty.</summary>
    In,

    /// <summary>None of the values, or missing.</summary>
    NotIn,

    /// <summary>The tag is there.</summary>
    Exists,

    /// <summary>The tag is not there.</summary>
    NotExists,

    /// <summary>The tag begins with the value.</summary>
    StartsWith,

    /// <summary>The tag ends with the value.</summary>
    EndsWith,

    /// <summary>The tag contains the value.</summary>
    Contains,

    /// <summary>Both are decimals, and the tag is greater.</summary>
    Greater,

    /// <summary>Both are decimals, and the tag is not less.</summary>
    GreaterOrEqual,

    /// <summary>Both are decimals, and the tag is less.</summary>
    Less,

    /// <summary>Both are decimals, and the tag is not greater.</summary>
    LessOrEqual,
}

/// <summary>A tree of conditions over the tags of a publication. Pure and never changed, so subscribers may share one.</summary>
public abstract class TagsFilter
{
    /// <summary>Whether a publication with these tags passes.</summary>
    /// <param name="tags">The tags; names are compared exactly, and the first of a name counts.</param>
    public abstract bool Matches(IReadOnlyList<KeyValuePair<string, string>> tags);

    /// <summary>A leaf.</summary>
    internal sealed class Leaf(string key, TagComparison comparison, string value, string[] values) : TagsFilter
    {
        private readonly decimal? _limit = ReadDecimal(value);

        /// <inheritdoc />
        public override bool Matches(IReadOnlyList<KeyValuePair<string, string>> tags)
        {
            string? tag = Find(tags);
            bool exists = tag is not null;
            return comparison switch
            {
                TagComparison.Equal => exists && string.Equals(tag, value, StringComparison.Ordinal),
                TagComparison.NotEqual => !exists || !string.Equals(tag, value, StringComparison.Ordinal),
                TagComparison.In => Array.IndexOf(values, tag ?? "") >= 0,
                TagComparison.NotIn => !exists || Array.IndexOf(values, tag) < 0,
                TagComparison.Exists => exists,
                TagComparison.NotExists => !exists,
                TagComparison.StartsWith => exists && tag!.StartsWith(value, StringComparison.Ordinal),
                TagComparison.EndsWith => exists && tag!.EndsWith(value, StringComparison.Ordinal),
                TagComparison.Contains => exists && tag!.Contains(value, StringComparison.Ordinal),
                _ => exists && _limit is { } limit && ReadDecimal(tag!) is { } number && Compare(number, limit),
            };
        }

        private string? Find(IReadOnlyList<KeyValuePair<string, string>> tags)
        {
            for (int i = 0; i < tags.Count; i++)
            {
                if (string.Equals(tags[i].Key, key, StringComparison.Ordinal)) return tags[i].Value;
            }

            return null;
        }

        private bool Compare(decimal number, decimal limit) => comparison switch
        {
            TagComparison.Greater => number > limit,
            TagComparison.GreaterOrEqual => number >= limit,
            TagComparison.Less => number < limit,
            _ => number <= limit,
        };

        private static decimal? ReadDecimal(string text) =>
            decimal.TryParse(
                text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                    CultureInfo.InvariantCulture, out decimal number)
                ? number
                : null;
    }

    /// <summary>All of several.</summary>
    internal sealed class All(TagsFilter[] nodes) : TagsFilter
    {
        /// <inheritdoc />
        public override bool Matches(IReadOnlyList<KeyValuePair<string, string>> tags) =>
            Array.TrueForAll(nodes, node => node.Matches(tags));
    }

    /// <summary>One of several, or more.</summary>
    internal sealed class Any(TagsFilter[] nodes) : TagsFilter
    {
        /// <inheritdoc />
        public override bool Matches(IReadOnlyList<KeyValuePair<string, string>> tags) => Array.Exists(nodes, node => node.Matches(tags));
    }

    /// <summary>The contrary of one.</summary>
    internal sealed class Not(TagsFilter node) : TagsFilter
    {
        /// <inheritdoc />
        public override bool Matches(IReadOnlyList<KeyValuePair<string, string>> tags) => !node.Matches(tags);
    }
}
