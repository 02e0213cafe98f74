using System.Text;
using Broker.Configuration;

namespace Broker.Host.Commands;

/// <summary>What reference.conf files say of each setting, as a page of Markdown.</summary>
/// <remarks>
/// A comment belongs to the settings right behind it, or to the block; a comment in front of an empty line is the file's own. Settings
/// without an empty line between share a comment.
/// </remarks>
internal sealed class ReferencePage
{
    private const string GroupOfNames = ".NAME";

    private readonly StringBuilder _page = new("# Settings\n");
    private readonly List<string> _path = [];
    private readonly List<string> _comment = [];
    private string _section = "";
    private string _sectionComment = "";
    private bool _afterSetting;

    /// <summary>Makes the page of several files.</summary>
    public static string Of(IEnumerable<string> files)
    {
        var page = new ReferencePage();
        foreach (string file in files)
        {
            foreach (string line in file.Split('\n')) page.Add(line.Trim());
        }

        return page._page.ToString();
    }

    private void Add(string line)
    {
        bool afterSetting = _afterSetting;
        _afterSetting = false;
        if (line.StartsWith('#'))
        {
            _comment.Add(line[1..].Trim());
        }
        else if (line.Length == 0)
        {
            if (_path.Count == 0 && _comment.Count > 0) _page.Append('\n').Append(TakeComment()).Append('\n');
            _comment.Clear();
        }
        else if (line.EndsWith('{'))
        {
            _path.Add(line[..^1].Trim());
            _section = string.Join('.', _path);
            _sectionComment = TakeComment();
        }
        else if (line == "}")
        {
            _path.RemoveAt(_path.Count - 1);
            _section = string.Join('.', _path);
            _sectionComment = "";
            _comment.Clear();
        }
        else if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and int equals)
        {
            AddSetting(line[..equals].Trim(), line[(equals + 1)..].Trim(), sharesComment: afterSetting && _comment.Count == 0);
            _afterSetting = true;
        }
    }

    private void AddSetting(string name, string value, bool sharesComment)
    {
        if (_section.Length > 0)
        {
            _page.Append("\n## ").Append(_section).Append('\n');
            if (_sectionComment.Length > 0) _page.Append('\n').Append(_sectionComment).Append('\n');
            _section = "";
        }

        string key = $"{string.Join('.', _path)}.{name}";
        if (!sharesComment && _comment.Count > 0) _page.Append('\n').Append(TakeComment()).Append("\n\n");
        else if (!sharesComment) _page.Append('\n');
        if (name.EndsWith(GroupOfNames, StringComparison.Ordinal))
        {
            _page.Append('`').Append(key).Append("` has the keys of `").Append(value).Append("`.\n");
            return;
        }

        _page.Append("- `").Append(key).Append("` = `").Append(value).Append("`, or `").Append(EnvironmentLayer.NameOf(key)).Append("`\n");
    }

    // Lines of a paragraph together; an empty comment line parts two.
    private string TakeComment()
    {
        string text = string.Join('\n', _comment);
        _comment.Clear();
        return text;
    }
}
