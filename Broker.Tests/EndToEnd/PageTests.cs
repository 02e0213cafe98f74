using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The page in a real browser.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class PageTests(SharedHost shared)
{
    [Fact]
    public async Task Two_tabs_chat_and_their_chart_moves()
    {
        using var limit = new CancellationTokenSource(3 * HostProcess.Patience);
        string folder = Path.Combine(ProjectFolder.Path, "TestResults");
        Directory.CreateDirectory(folder);
        string screenshot = Path.Combine(folder, "page.png");
        File.Delete(screenshot);

        await using ClientScript browser = ClientScript.Start("node", "page.js", shared.Process.HttpUri.ToString(), screenshot);
        string[] expected =
        [
            """{"saw":"online","name":"Ada"}""",
            """{"saw":"online","name":"Grace"}""",
            """{"saw":"message","author":"Ada","text":"Is anybody here?"}""",
            """{"saw":"message","author":"Grace","text":"Yes, in the other tab."}""",
            """{"saw":"message","author":"Ada","text":"<b>Markup</b> & ümläuts stay text."}""",
            """{"saw":"markup","elements":0}""",
            """{"saw":"message","author":"Grace","text":"So they do. Look at the chart: both of us are on it."}""",
            """{"saw":"chart moving"}""",
            """{"saw":"complaints","complaints":[]}""",
        ];
        foreach (string each in expected) Assert.Equal(each, await browser.NextAsync(limit.Token));
        Assert.True(new FileInfo(screenshot).Length > 10_000, $"{screenshot} shows next to nothing.");
    }
}
