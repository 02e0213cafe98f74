using Broker.Tests.Conformance.Wire;
using static Broker.Tests.Conformance.Cases.Expect;

namespace Broker.Tests.Conformance.Cases;

/// <summary>9.x: great messages, many fragments, tiny writes and many round trips.</summary>
/// <remarks>The content of every echo is compared, too.</remarks>
public static class Group9Limits
{
    private const int Mebibyte = 1 << 20;

    private static readonly int[] Sizes = [Mebibyte / 16, Mebibyte / 4, Mebibyte, 4 * Mebibyte, 8 * Mebibyte, 16 * Mebibyte];
    private static readonly int[] TextLimits = [10, 10, 100, 100, 100, 100];
    private static readonly int[] BinaryLimits = [10, 10, 10, 10, 100, 100];
    private static readonly int[] FragmentSizes = [64, 256, 1024, 4096, 16384, 65536, 262_144, Mebibyte, 4 * Mebibyte];
    private static readonly int[] WriteSizes = [64, 128, 256, 512, 1024, 2048];
    private static readonly int[] TripSizes = [0, 16, 64, 256, 1024, 4096];
    private static readonly int[] TripLimits = [60, 60, 60, 120, 240, 480];

    /// <summary>All 54 cases.</summary>
    public static IEnumerable<ConformanceCase> All =>
    [
        .. Sizes.Select((size, i) => Exchange($"9.1.{i + 1}", TextLimits[i], ReceivedKind.Text, 1, TextOfSize(size))),
        .. Sizes.Select((size, i) => Exchange($"9.2.{i + 1}", BinaryLimits[i], ReceivedKind.Binary, 1, BinaryOfSize(size))),
        .. FragmentSizes.Select((size, i) => Fragmented($"9.3.{i + 1}", ReceivedKind.Text, '*', size)),
        .. FragmentSizes.Select((size, i) => Fragmented($"9.4.{i + 1}", ReceivedKind.Binary, i == 0 ? 0xfe : '*', size)),
        .. WriteSizes.Select((size, i) => Chopped($"9.5.{i + 1}", WireFrame.Text(TextOfSize(Mebibyte)), size)),
        .. WriteSizes.Select((size, i) => Chopped($"9.6.{i + 1}", WireFrame.Binary(BinaryOfSize(Mebibyte)), size)),
        .. TripSizes.Select((size, i) => Exchange(
            $"9.7.{i + 1}", TripLimits[i], ReceivedKind.Text, 1000, Octets.Repeat("*"u8, size))),
        .. TripSizes.Select((size, i) => Exchange(
            $"9.8.{i + 1}", TripLimits[i], ReceivedKind.Binary, 1000, Octets.Repeat([0xfe], size))),
    ];

    private static Octets TextOfSize(int size) => Octets.Repeat("BAsd7&jh23"u8, size);

    private static Octets BinaryOfSize(int size) => Octets.Repeat([0x00, 0xfe, 0x23, 0xfa, 0xf0], size);

    private static ConformanceCase Exchange(
        string id, int limitSeconds, ReceivedKind kind, int messages, Octets payload, int fragmentSize = 0) =>
        new(id, Seconds(limitSeconds)) { Steps = [new CaseStep.Exchange(kind, messages, _ => payload, fragmentSize)] };

    private static ConformanceCase Fragmented(string id, ReceivedKind kind, int octet, int fragmentSize) =>
        Exchange(id, 100, kind, 1, Octets.Repeat([(byte)octet], 4 * Mebibyte), fragmentSize);

    private static ConformanceCase Chopped(string id, WireFrame frame, int writeOctets) => new(id, Seconds(1000))
    {
        Steps = [CaseStep.Chop(writeOctets, frame)],
        Outcomes = [Outcome.Ok(new Expected((ReceivedKind)frame.Opcode, frame.Payload))],
    };
}
