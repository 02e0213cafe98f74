using System.Text.Json;

namespace Broker.Bench.Channels;

/// <summary>Counts what became of every publication for one client, or for many together.</summary>
/// <remarks>Delivered, missed and lost add up to what was published: a client that saw nothing has lost everything.</remarks>
internal readonly record struct ChurnCount
{
    /// <summary>Publications, of every client.</summary>
    public long Published { get; private init; }

    /// <summary>Those that came once and in order.</summary>
    public long Delivered { get; private init; }

    /// <summary>Those that did not come, in a gap before which the client was told that it is not recovered.</summary>
    public long Announced { get; private init; }

    /// <summary>Those that did not come, without a word.</summary>
    public long Lost { get; private init; }

    /// <summary>Publications that came again, or behind a later one.</summary>
    public long OutOfOrder { get; private init; }

    /// <summary>How often connections were cut.</summary>
    public long Cuts { get; private init; }

    /// <summary>How often a client was told that it is not recovered.</summary>
    public long NotRecovered { get; private init; }

    /// <summary>Counts for one client that was there before the first publication, and after the last cut.</summary>
    /// <param name="published">Publications have the numbers from 1 to this one.</param>
    /// <param name="client">What it wrote down.</param>
    public static ChurnCount Of(long published, JsonElement client)
    {
        long delivered = 0, missed = 0, lost = 0, outOfOrder = 0, notRecovered = 0, next = 1;
        bool isAnnounced = false;
        foreach (JsonElement sighting in client.GetProperty("seen").EnumerateArray())
        {
            if (sighting[0].GetString() == "t")
            {
                notRecovered++;
                isAnnounced = true;
                continue;
            }

            long number = sighting[1].GetInt64();
            if (number < next)
            {
                outOfOrder++;
                continue;
            }

            Pass(number);
            delivered++;
            next = number + 1;
            isAnnounced = false;
        }

        Pass(published + 1);
        return new ChurnCount
        {
            Published = published,
            Delivered = delivered,
            Announced = missed,
            Lost = lost,
            OutOfOrder = outOfOrder,
            Cuts = client.GetProperty("cuts").GetInt64(),
            NotRecovered = notRecovered,
        };

        void Pass(long to)
        {
            if (isAnnounced) missed += to - next;
            else lost += to - next;
        }
    }

    /// <summary>Both together.</summary>
    public static ChurnCount operator +(ChurnCount one, ChurnCount other) => new()
    {
        Published = one.Published + other.Published,
        Delivered = one.Delivered + other.Delivered,
        Announced = one.Announced + other.Announced,
        Lost = one.Lost + other.Lost,
        OutOfOrder = one.OutOfOrder + other.OutOfOrder,
        Cuts = one.Cuts + other.Cuts,
        NotRecovered = one.NotRecovered + other.NotRecovered,
    };
}
