using Broker.Core.Buffers;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Buffers;

public sealed class SharedBytesTests
{
    private readonly CountingPool _pool = new();

    [Fact]
    public void The_last_holder_gives_the_bytes_back_and_no_one_before()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 100);
        Assert.True(bytes.IsPrivate);
        Assert.Same(bytes, bytes.Hold());
        Assert.False(bytes.IsPrivate);

        bytes.LetGo();
        Assert.Equal(1, _pool.Outstanding);
        bytes.LetGo();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void One_holder_too_many_is_told_and_the_pool_does_not_notice()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 100);
        bytes.LetGo();

        Assert.Throws<ObjectDisposedException>(bytes.LetGo);
        Assert.Throws<ObjectDisposedException>(() => bytes.Array);
        Assert.Throws<ObjectDisposedException>(() => bytes.Append("x"u8));
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void Bytes_are_appended_until_there_is_no_room()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 256);
        bytes.Append(Wire.Pattern(250));
        Assert.Equal((250, 6), (bytes.Length, bytes.Room));

        Assert.Throws<ArgumentException>(() => bytes.Append(new byte[7]));
        bytes.Append(new byte[6]);

        Assert.Equal((256, 0), (bytes.Length, bytes.Room));
        Assert.Equal(Wire.Pattern(250), bytes.Array[..250]);
    }

    [Fact]
    public void Growing_keeps_what_was_written_and_gives_the_smaller_array_back()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 256);
        bytes.Append(Wire.Pattern(200));
        bytes.GrowFor(56);
        Assert.Equal(1, _pool.Rents);

        bytes.GrowFor(57);
        Assert.Equal(512, bytes.Array.Length);
        bytes.GrowFor(3_000_000);
        Assert.True(bytes.Room >= 3_000_000);
        Assert.Equal(Wire.Pattern(200), bytes.Array[..200]);
        Assert.Equal(1, _pool.Outstanding);
        bytes.LetGo();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void A_length_outside_the_array_is_refused()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 256);

        Assert.Throws<ArgumentOutOfRangeException>(() => bytes.SetLength(257));
        Assert.Throws<ArgumentOutOfRangeException>(() => bytes.SetLength(-1));
        bytes.SetLength(256);
        Assert.Equal(0, bytes.Room);
    }

    [Fact]
    public void A_reference_after_the_last_release_is_refused()
    {
        SharedBytes bytes = SharedBytes.Rent(new BufferPool(), 16);
        Assert.True(bytes.TryAddRef());
        bytes.LetGo();
        bytes.LetGo();

        Assert.False(bytes.TryAddRef());
        Assert.Throws<ObjectDisposedException>(bytes.Hold);
    }
}
