using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Broker.Cli.Bench;

/// <summary>What <c>bench fan-out</c> was asked for, and who publishes what to whom by it.</summary>
/// <remarks>
/// Subscriber s listens to channel s mod C. With as many publishers as channels or more, publisher p has the channel p mod C;
/// with fewer, the channels c where c mod P is p, in turns.
/// </remarks>
/// <param name="Subscribers">Connections that listen.</param>
/// <param name="Publishers">Connections that publish.</param>
/// <param name="Channels">Channels; at most as many as subscribers.</param>
/// <param name="Bytes">Of each publication's data, which are a JSON string with its quotes.</param>
/// <param name="Window">How many publications of one publisher may be under way.</param>
/// <param name="Rate">Publications a second of all publishers together, whatever is under way; 0: as fast as the window lets.</param>
/// <param name="Messages">Publications of each publisher, or 0: until the time is over.</param>
internal sealed record FanOutPlan(int Subscribers, int Publishers, int Channels, int Bytes, int Window, int Rate, long Messages)
{
    private readonly string _run = RandomNumberGenerator.GetHexString(8, lowercase: true);

    /// <summary>The least bytes of a publication: two quotes, the run's mark and the stamp.</summary>
    public const int BytesMin = 2 + 9 + PublicationStamp.Size;

    /// <summary>What the data of every publication begin with, and no others do.</summary>
    public byte[] Mark => Encoding.UTF8.GetBytes($"\"#{_run}");

    /// <summary>The name of a channel: this run's alone.</summary>
    public string NameOf(int channel) => string.Create(CultureInfo.InvariantCulture, $"bench-{_run}-{channel}");

    /// <summary>The channel that a subscriber listens to.</summary>
    public int ChannelOf(int subscriber) => subscriber % Channels;

    /// <summary>Who listens to a channel.</summary>
    public int ListenersOf(int channel) => (Subscribers / Channels) + (channel < Subscribers % Channels ? 1 : 0);

    /// <summary>The channels of a publisher.</summary>
    public int[] ChannelsOf(int publisher) => Publishers >= Channels
        ? [publisher % Channels]
        : [.. Enumerable.Range(0, Channels).Where(channel => channel % Publishers == publisher)];

    /// <summary>How many publish into a channel.</summary>
    public int PublishersOf(int channel) => Publishers < Channels ? 1 : (Publishers / Channels) + (channel < Publishers % Channels ? 1 : 0);

    /// <summary>Which of a channel's publishers one of them is, from 0.</summary>
    public int PositionOf(int publisher) => Publishers < Channels ? 0 : publisher / Channels;

    /// <summary>The publisher of that place.</summary>
    public int PublisherOf(int channel, int slot) => Publishers < Channels ? channel % Publishers : (slot * Channels) + channel;

    /// <summary>Whether a stamp is of this plan: its publisher uses in its channel.</summary>
    public bool Has(PublicationStamp stamp) =>
        stamp.Publisher < Publishers && stamp.Channel < Channels
        && (Publishers < Channels ? stamp.Channel % Publishers == stamp.Publisher : stamp.Publisher % Channels == stamp.Channel);
}
