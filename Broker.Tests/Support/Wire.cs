namespace Broker.Tests.Support;

/// <summary>Bytes as they are printed.</summary>
internal static class Wire
{
    /// <summary>Hex digits with any spacing: <c>"81 85 37fa213d"</c>.</summary>
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>Bytes that repeat no sooner than after 251, so that a slip of any power of two shows.</summary>
    public static byte[] Pattern(int length)
    {
        byte[] pattern = new byte[length];
        for (int i = 0; i < length; i++) pattern[i] = (byte)(i * 7 % 251);
        return pattern;
    }

    /// <summary>One behind the other.</summary>
    public static byte[] Join(params IEnumerable<byte[]> parts) => [.. parts.SelectMany(part => part)];
}
