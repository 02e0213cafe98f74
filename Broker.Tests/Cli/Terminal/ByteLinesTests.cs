using Broker.Cli.Terminal;

namespace Broker.Tests.Cli.Terminal;

public sealed class ByteLinesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task Lines_are_the_same_however_the_input_is_cut(int pieceBytes)
    {
        byte[][] lines = [[], [1, 2], [.. Enumerable.Repeat((byte)'\r', 40_000)], [0xff, 0x0d], [], [9]];
        byte[] input = [.. lines.SelectMany((line, i) => i == lines.Length - 1 ? line : [.. line, (byte)'\n'])];
        var read = new List<byte[]>();

        await foreach (ReadOnlyMemory<byte> line in ByteLines.ReadAsync(new Pieces(input, pieceBytes), bytesMax: 40_000)) read.Add(
            line.ToArray());

        Assert.Equal(lines, read);
        Assert.Equal(input, (await ByteLines.ReadAllAsync(new Pieces(input, pieceBytes), input.Length, default)).ToArray());
    }

    [Theory]
    [InlineData(100, 100, true)]
    [InlineData(101, 100, false)]
    [InlineData(40_000, 39_999, false)]
    public async Task A_line_or_an_input_over_the_limit_is_refused(int bytes, int bytesMax, bool fits)
    {
        byte[] input = new byte[bytes];

        if (fits) Assert.Equal(bytes, (await ByteLines.ReadAllAsync(new MemoryStream(input), bytesMax, default)).Length);
        else await Assert.ThrowsAsync<IOException>(() => ByteLines.ReadAllAsync(new MemoryStream(input), bytesMax, default));
        if (fits) Assert.Equal(1, await CountAsync());
        else await Assert.ThrowsAsync<IOException>(CountAsync);

        async Task<int> CountAsync()
        {
            int count = 0;
            await foreach (ReadOnlyMemory<byte> _ in ByteLines.ReadAsync(new MemoryStream(input), bytesMax)) count++;
            return count;
        }
    }

    private sealed class Pieces(byte[] bytes, int pieceBytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, pieceBytes)], cancellationToken);
    }
}
