using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;

namespace Broker.Actors.Model;

/// <summary>Makes epochs, and reads and writes them as text: 16 hexadecimal digits in lower case.</summary>
public static class StreamEpoch
{
    /// <summary>No epoch: the client does not name one, or the channel has none.</summary>
    public const ulong None = 0;

    /// <summary>Stands for every text that this hub cannot have written. No stream has it.</summary>
    public const ulong Foreign = ulong.MaxValue;

    /// <summary>A random epoch for a stream that begins; neither <see cref="None"/> nor <see cref="Foreign"/>.</summary>
    public static ulong Next()
    {
        Span<byte> random = stackalloc byte[8];
        ulong epoch;
        do
        {
            RandomNumberGenerator.Fill(random);
            epoch = BitConverter.ToUInt64(random);
        }
        while (epoch is None or Foreign);

        return epoch;
    }

    /// <summary>Writes an epoch; empty for <see cref="None"/>.</summary>
    public static string ToText(ulong epoch) => epoch == None ? "" : epoch.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads an epoch.</summary>
    /// <returns><see cref="None"/> for no text, <see cref="Foreign"/> for a text that this hub does not write.</returns>
    public static ulong Read(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return None;
        bool isOurs = text.Length == 16 && text.IndexOfAnyInRange((byte)'A', (byte)'F') < 0;
        return isOurs && Utf8Parser.TryParse(text, out ulong epoch, out int read, 'x') && read == text.Length ? epoch : Foreign;
    }
}
