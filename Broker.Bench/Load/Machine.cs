using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Broker.Bench.Load;

/// <summary>What a figure is worth nothing without: the machine, the tree, the versions.</summary>
internal static class Machine
{
    /// <summary>Names and values, as a result's first lines.</summary>
    public static async Task<IReadOnlyList<(string Name, string Value)>> DescribeAsync(
        string generator, IReadOnlyList<Contestant> contestants, CancellationToken stop)
    {
        var lines = new List<(string, string)>
        {
            ("Processor", $"{Processor()}, {Environment.ProcessorCount} cores"),
            ("Kernel", (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", stop)).Trim()),
            (".NET", RuntimeInformation.FrameworkDescription),
            ("Load before", (await File.ReadAllTextAsync("/proc/loadavg", stop)).Split(' ')[0]),
            ("Tree", await FirstLineAsync(["git", "-C", Tree.Root, "describe", "--always", "--dirty"], stop) ?? "unknown"),
            ("Generator", $"{Path.GetFileName(generator)}, SHA-256 {await ShortHashAsync(generator, stop)}"),
        };
        foreach (Contestant contestant in contestants)
        {
            if (contestant.VersionCommand is { } command && await FirstLineAsync(command, stop) is { } version)
                lines.Add((contestant.Name, version));
        }
        return lines;
    }

    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();

    private static async Task<string> ShortHashAsync(string file, CancellationToken stop)
    {
        await using FileStream bytes = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(bytes, stop))[..12];
    }

    /// <summary>The first line with a digit that a command prints; none when it prints none, or not within some seconds.</summary>
    private static async Task<string?> FirstLineAsync(IReadOnlyList<string> command, CancellationToken stop)
    {
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in command.Skip(1)) start.ArgumentList.Add(word);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            using Process process = Process.Start(start)!;
            string output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            return output.Split('\n').FirstOrDefault(line => line.Any(char.IsAsciiHexDigit) && line.Any(char.IsAsciiDigit))?.Trim();
        }
        catch (Exception e) when (
            e is System.ComponentModel.Win32Exception || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return null;
        }
    }
}
