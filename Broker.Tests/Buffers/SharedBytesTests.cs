using Broker.Core.Buffers;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Buffers;

public sealed class SharedBytesTests
{
    private readonly CountingPool _pool = new();

    [Fact]
    public void Only_the_last_reference_returns_the_bytes()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 100);
        Assert.True(bytes.IsPrivate);
        Assert.Same(bytes, bytes.AddRef());
        Assert.False(bytes.IsPrivate);

        bytes.Release();
        Assert.Equal(1, _pool.Outstanding);
        bytes.Release();
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void One_release_too_many_throws_and_spares_the_pool()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 100);
        bytes.Release();

        Assert.Throws<ObjectDisposedException>(bytes.Release);
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
        bytes.Release();
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
        bytes.Release();
        bytes.Release();

        Assert.False(bytes.TryAddRef());
        Assert.Throws<ObjectDisposedException>(bytes.AddRef);
    }
}
