using System.Diagnostics;
using System.Globalization;
using Broker.Bench.Micro;
using Broker.Identity.Tokens;

namespace Broker.Bench.Channels;

/// <summary>How many connection tokens one thread verifies in a second.</summary>
internal static class TokensRun
{
    private const int AtOnce = 64;

    public static async Task<int> RunAsync(int seconds, CancellationToken stop)
    {
        Console.WriteLine("| algorithm | key | verified in a second by one thread |");
        Console.WriteLine("| --- | --- | ---: |");
        foreach (string algorithm in SignedToken.Algorithms)
        {
            var token = SignedToken.Of(algorithm);
            await VerifyAsync(token, TimeSpan.FromSeconds(1), stop);
            double rate = await VerifyAsync(token, TimeSpan.FromSeconds(seconds), stop);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {algorithm} | {token.KeyText} | {rate:N0} |"));
        }

        return 0;
    }

    private static async Task<double> VerifyAsync(SignedToken token, TimeSpan time, CancellationToken stop)
    {
        long count = 0, start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            stop.ThrowIfCancellationRequested();
            for (int i = 0; i < AtOnce; i++)
            {
                if ((await token.Verifier.VerifyAsync(token.Bytes, stop)).Status != TokenStatus.Valid)
                    throw new InvalidOperationException("The token was refused.");
            }

            count += AtOnce;
        }

        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
