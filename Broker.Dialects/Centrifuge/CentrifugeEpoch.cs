using System.Globalization;
using System.Text;

namespace Broker.Dialects.Centrifuge;

/// <summary>A channel's epoch as its clients have it: 16 hexadecimal digits.</summary>
internal static class CentrifugeEpoch
{
    // No channel has it: a client with a foreign epoch is notified that it cannot recover.
    private const ulong Foreign = ulong.MaxValue;

    internal static string Write(ulong epoch) => epoch.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads what a client sends; empty stands for whatever epoch the channel has.</summary>
    internal static ulong Read(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return 0;
        return text.Length == 16
            && ulong.TryParse(Encoding.UTF8.GetString(text), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong epoch)
            ? epoch : Foreign;
    }
}
