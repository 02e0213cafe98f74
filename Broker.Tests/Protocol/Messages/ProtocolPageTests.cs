using System.Text.RegularExpressions;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Tests.Protocol.Store;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Messages;

/// <summary>docs/PROTOCOL.md and the codec say the same.</summary>
public sealed partial class ProtocolPageTests
{
    private static readonly string s_page = File.ReadAllText(FindPage()).ReplaceLineEndings("\n");

    [Fact]
    public void Every_block_of_bytes_is_what_the_codec_writes()
    {
        Dictionary<string, byte[]> written = Samples.All.ToDictionary(sample => sample.Name, sample => sample.Write());
        foreach (StoreSample sample in StoreSamples.All) written.Add(sample.Name, sample.Write());

        Dictionary<string, byte[]> printed = Blocks().Matches(s_page).ToDictionary(
            block => block.Groups["name"].Value,
            block => Wire.Join(block.Groups["lines"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(BytesOf)));

        Assert.Equal(written.Keys.Order(), printed.Keys.Order());
        foreach ((string name, byte[] bytes) in written)
        {
            Assert.Equal($"{name} {Convert.ToHexString(bytes)}", $"{name} {Convert.ToHexString(printed[name])}");
        }
    }

    [Fact]
    public void Every_kind_fault_and_error_stands_in_a_table_with_its_number()
    {
        foreach (NativeKind kind in Enum.GetValues<NativeKind>())
        {
            if (kind != NativeKind.None) Assert.Contains($"| `{(byte)kind:x2}` |", s_page, StringComparison.Ordinal);
        }

        foreach (NativeFault fault in Enum.GetValues<NativeFault>())
        {
            if (fault == NativeFault.None) continue;
            Assert.Contains($"| {(ushort)fault} | {(ushort)fault.CloseCode} | {fault.Reason} |", s_page, StringComparison.Ordinal);
        }

        foreach (ChunkError error in Enum.GetValues<ChunkError>())
        {
            if (error != ChunkError.None) Assert.Contains($"| {(ushort)error} |", s_page, StringComparison.Ordinal);
        }

        foreach (FaultCode code in Enum.GetValues<FaultCode>())
        {
            if (code != FaultCode.None) Assert.Contains($"| {(ushort)code} | {Words(code)} |", s_page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_method_of_the_store_stands_there_with_its_id()
    {
        foreach (string method in StoreMethods.All)
        {
            Assert.Contains($"| `{method}` | `{StoreMethods.IdOf(method).Value:x16}` |", s_page, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex("^```wire (?<name>[a-z-]+)\n(?<lines>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();

    // The bytes stand before the first two spaces, and what they mean behind.
    private static byte[] BytesOf(string line) => Wire.Bytes(line.Split("  ", 2)[0]);

    private static string Words(FaultCode code) =>
        Regex.Replace(code.ToString(), "(?<=[a-z])(?=[A-Z])", " ").ToLowerInvariant();

    private static string FindPage()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string page = Path.Combine(at.FullName, "docs", "PROTOCOL.md");
            if (File.Exists(page)) return page;
        }

        throw new FileNotFoundException("docs/PROTOCOL.md is in no folder above the tests.");
    }
}
