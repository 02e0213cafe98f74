using Broker.Cli.Bench;

namespace Broker.Tests.Cli.Bench;

/// <summary>What is lost, doubled or out of order is told as that, and only once.</summary>
public sealed class SequenceCheckTests
{
    [Theory]
    [InlineData("0 1 2 3", 4, 0, 0, 0)]
    [InlineData("", 0, 0, 0, 0)]
    [InlineData("", 3, 3, 0, 0)]                    // All lost.
    [InlineData("1 2 3", 4, 1, 0, 0)]               // The first,
    [InlineData("0 3", 4, 2, 0, 0)]                 // some between,
    [InlineData("0 1", 4, 2, 0, 0)]                 // and the last.
    [InlineData("0 1 1 2", 3, 0, 1, 0)]             // Doubled at once,
    [InlineData("0 1 2 0 0", 3, 0, 2, 0)]           // and later, twice.
    [InlineData("1 0 2", 3, 0, 0, 1)]
    [InlineData("2 1 0", 3, 0, 0, 2)]
    [InlineData("0 3 1 1 3", 4, 1, 2, 1)]           // 2 is lost, 1 late and then doubled, 3 doubled.
    [InlineData("0 64 1", 65, 62, 0, 1)]            // The oldest that is remembered,
    [InlineData("0 65 1", 66, 64, 1, 0)]            // and one before.
    [InlineData("0 1 70 71 70 1", 72, 68, 2, 0)]    // What is far behind a gap is dropped, what is near is not.
    public void Each_number_counts_as_what_it_is(string numbers, long sent, long lost, long duplicated, long disordered)
    {
        var check = default(SequenceCheck);
        foreach (string number in numbers.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            check.Take(long.Parse(number, System.Globalization.CultureInfo.InvariantCulture));
        }

        var tally = default(Tally).With(check, sent);

        Assert.Equal(new Tally(sent, lost, duplicated, disordered, Damaged: 0), tally);
        Assert.Equal(lost + duplicated + disordered == 0, tally.IsRight);
    }

    [Fact]
    public void Any_mix_within_what_is_remembered_adds_up()
    {
        const int Seed = 7, Sent = 1000;
        var random = new Random(Seed);
        var check = default(SequenceCheck);
        int first = 0, doubled = 0;
        for (int block = 0; block < Sent; block += 50)
        {
            int[] numbers = [.. Enumerable.Range(block, 50)];
            random.Shuffle(numbers);
            foreach (int number in numbers)
            {
                if (random.Next(10) == 0) continue;     // Lost.
                first++;
                Assert.True(check.Take(number));
                if (random.Next(10) != 0) continue;
                doubled++;
                Assert.False(check.Take(number));
            }
        }

        check.Finish(Sent);

        Assert.Equal((Sent - first, doubled), (check.Lost, check.Duplicated));
        Assert.NotEqual(0, check.Disordered);
    }
}
