using Broker.Core.Protocol.Store;

namespace Broker.Store;

/// <summary>
/// One value, written piece by piece: no one sees any of it until it is published, and then all of it, through any crash.
/// </summary>
/// <remarks>
/// Full parts go to the database under a number that no key points to; publishing is one small batch, which points the key to
/// them, and away from the parts that it had. What is disposed of unpublished is deleted; what a crash leaves is deleted at the
/// next start. At most two parts are in memory. For one caller at a time.
/// </remarks>
public sealed class ValueWriter : IAsyncDisposable
{
    private readonly KeyedStore _store;
    private readonly ReadOnlyMemory<byte> _key;
    private readonly ulong _number;
    private readonly long _bytesMax;
    private byte[] _part = [];                  // Being filled.
    private byte[] _other = [];                 // Being written, or free.
    private int _filled;
    private long _written;                      // Bytes of full parts that were handed to the database.
    private Task _writing = Task.CompletedTask;
    private bool _isOver;                       // Published, or refused by then: the parts are no longer its own.

    internal ValueWriter(KeyedStore store, ReadOnlyMemory<byte> key, ulong number, long bytesMax)
    {
        _store = store;
        _key = key;
        _number = number;
        _bytesMax = bytesMax;
    }

    /// <summary>Bytes so far.</summary>
    public long Length => _written + _filled;

    /// <summary>Adds a piece of any length.</summary>
    /// <param name="piece">The caller's again after the return.</param>
    /// <exception cref="StoreException">The value is too long, or the store cannot write.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        if (piece.Length > _bytesMax - Length) throw TooLarge(_bytesMax);
        while (!piece.IsEmpty)
        {
            if (_filled == LongValue.PartBytes) await WritePartAsync().ConfigureAwait(false);
            int taken = Math.Min(piece.Length, LongValue.PartBytes - _filled);
            if (_part.Length < _filled + taken) Array.Resize(ref _part, _filled + taken <= 1024 ? 1024 : LongValue.PartBytes);
            piece[..taken].CopyTo(_part.AsMemory(_filled));
            _filled += taken;
            piece = piece[taken..];
        }
    }

    /// <summary>The value is whole: its key has it, and no longer what it had.</summary>
    /// <param name="durability">What all of it has outlived at the answer.</param>
    /// <exception cref="StoreException">The store cannot write.</exception>
    public async Task<WriteReceipt> PublishAsync(Durability durability)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        ReadOnlyMemory<byte> rest = _part.AsMemory(0, _filled);
        if (_written == 0)
        {
            _isOver = true;
            return await _store.WriteOwnAsync([StoreChange.Put(_key, rest)], _key.Length + _filled, durability).ConfigureAwait(false);
        }

        await _writing.ConfigureAwait(false);

        // From here on the parts may be the key's, even if the disk then fails and the answer is an error.
        _isOver = true;
        var before = new LongValue(_number, _written);
        StoreChange publish = StoreChange.Publish(_key, before with { Length = Length });
        try
        {
            return await _store.WriteOwnAsync([StoreChange.Part(before, rest), publish], _key.Length + _filled, durability)
                .ConfigureAwait(false);
        }
        catch (StoreException refused) when (refused.Fault is StoreFault.Overloaded or StoreFault.Closed)
        {
            _isOver = false;
            throw;
        }
    }

    /// <summary>Deletes what was written, unless it was published.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isOver) return;
        _isOver = true;
        if (_written == 0) return;
        try
        {
            await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _store.WriteOwnAsync([StoreChange.Drop(new LongValue(_number, Length))], bytes: 0, Durability.Memory)
                .ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // The store is closed, or cannot write: the next start deletes it.
        }
    }

    internal static StoreException TooLarge(long bytesMax) =>
        new(StoreFault.ValueTooBig, $"A value that is written as a stream has at most {bytesMax} bytes.");

    // The next part is filled while this one is being written.
    private async Task WritePartAsync()
    {
        await _writing.ConfigureAwait(false);
        var before = new LongValue(_number, _written);
        _writing = _store.WriteOwnAsync([StoreChange.Part(before, _part)], LongValue.PartBytes, Durability.Memory);
        _written += LongValue.PartBytes;
        _filled = 0;
        (_part, _other) = (_other.Length == LongValue.PartBytes ? _other : new byte[LongValue.PartBytes], _part);
    }
}
