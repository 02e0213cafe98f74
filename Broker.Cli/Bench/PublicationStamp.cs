using System.Buffers.Text;

namespace Broker.Cli.Bench;

/// <summary>What a publication's data begin with: a JSON string of hexadecimal digits that no server writes in another way.</summary>
/// <param name="Publisher">Who sent it.</param>
/// <param name="Channel">Into which channel.</param>
/// <param name="Number">How many this publisher had sent into this channel before.</param>
/// <param name="Time">When, by <see cref="BenchClock"/>; to 2^48 ns, three days.</param>
internal readonly record struct PublicationStamp(int Publisher, int Channel, long Number, long Time)
{
    /// <summary>Hexadecimal digits of each field: publishers and channels to 65,536, publications of one into the other to 2^32.</summary>
    private const int PublisherDigits = 4, ChannelDigits = 4, NumberDigits = 8, TimeDigits = 12;

    /// <summary>Bytes of all fields.</summary>
    public const int Size = PublisherDigits + ChannelDigits + NumberDigits + TimeDigits;

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> target)
    {
        Put(ref target, Publisher, PublisherDigits);
        Put(ref target, Channel, ChannelDigits);
        Put(ref target, Number, NumberDigits);
        Put(ref target, Time, TimeDigits);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <returns>Whether it was that.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out PublicationStamp stamp)
    {
        bool isRead = TryTake(ref source, PublisherDigits, out long publisher) & TryTake(ref source, ChannelDigits, out long channel)
            & TryTake(ref source, NumberDigits, out long number) & TryTake(ref source, TimeDigits, out long time);
        stamp = isRead ? new PublicationStamp((int)publisher, (int)channel, number, time) : default;
        return isRead;
    }

    private static void Put(ref Span<byte> target, long value, int digits)
    {
        for (int i = digits - 1; i >= 0; i--, value >>= 4) target[i] = "0123456789abcdef"u8[(int)(value & 15)];
        target = target[digits..];
    }

    private static bool TryTake(ref ReadOnlySpan<byte> source, int digits, out long value)
    {
        value = 0;
        if (source.Length < digits || !Utf8Parser.TryParse(source[..digits], out value, out int read, 'x') || read != digits) return false;
        source = source[digits..];
        return value >= 0;
    }
}
