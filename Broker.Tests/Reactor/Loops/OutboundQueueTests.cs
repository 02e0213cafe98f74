using Broker.Core.Buffers;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using CsCheck;
using Xunit;

namespace Broker.Tests.Reactor.Loops;

public sealed class OutboundQueueTests
{
    private readonly CountingPool _pool = new();
    private OutboundQueue _queue;

    [Fact]
    public void Bytes_leave_in_order_however_few_the_socket_accepts()
    {
        byte[] expected = Fill();
        for (int step = 1; step <= expected.Length; step++)
        {
            _queue.Clear();
            Fill();
            for (int left = 0; left < expected.Length;)
            {
                Assert.Equal(expected.Length - left, _queue.Bytes);
                Assert.Equal(expected[left..], ContentOf(_queue));
                int taken = Math.Min(step, expected.Length - left);
                _queue.Advance(taken);
                left += taken;
            }

            AssertEmpty();
        }
    }

    [Fact]
    public void A_copy_goes_behind_a_reference_that_was_appended_before_it()
    {
        _queue.Append("one"u8, _pool);
        AppendShared("two"u8, start: 4);
        _queue.Append("three"u8, _pool);
        _queue.Append("four"u8, _pool);

        Assert.Equal("onetwothreefour"u8.ToArray(), ContentOf(_queue));
        _queue.Clear();
        AssertEmpty();
    }

    [Fact]
    public void Small_copies_share_a_buffer()
    {
        for (int i = 0; i < 100; i++) _queue.Append("0123456789"u8, _pool);

        Assert.Equal(1, _pool.Outstanding);
        Assert.False(_queue.HasSeveral);
        _queue.Clear();
        AssertEmpty();
    }

    [Fact]
    public void A_shared_buffer_is_held_until_its_last_byte_has_left()
    {
        SharedBytes bytes = SharedBytes.Rent(_pool, 10);
        bytes.Append("0123456789"u8);
        OutboundQueue other = default;
        _queue.Append(bytes, 2);
        other.Append(bytes, 0);
        bytes.Release();

        _queue.Advance(8);
        Assert.Equal(1, _pool.Outstanding);
        other.Advance(9);
        Assert.Equal("9"u8.ToArray(), ContentOf(other));
        other.Advance(1);

        AssertEmpty();
    }

    [Fact]
    public void Nothing_is_queued_for_no_bytes()
    {
        _queue.Append([], _pool);
        SharedBytes bytes = SharedBytes.Rent(_pool, 10);
        bytes.Append("0123456789"u8);
        _queue.Append(bytes, 10);
        bytes.Release();

        Assert.True(_queue.IsEmpty);
        AssertEmpty();
    }

    [Fact]
    public void What_has_not_begun_is_dropped()
    {
        _queue.Append("one"u8, _pool);
        AppendShared("two"u8, start: 0);
        _queue.DropUnbegun();
        AssertEmpty();
    }

    [Fact]
    public void A_reference_that_begins_inside_its_buffer_has_not_begun_to_leave()
    {
        AppendShared("one"u8, start: 8);
        _queue.DropUnbegun();
        AssertEmpty();
    }

    [Fact]
    public void The_rest_of_a_message_that_began_elsewhere_is_kept()
    {
        _queue.Append("rest"u8, _pool);
        _queue.KeepFirst();
        AppendShared("two"u8, start: 0);

        _queue.DropUnbegun();

        Assert.Equal("rest"u8.ToArray(), ContentOf(_queue));
        _queue.Advance(4);
        _queue.Append("three"u8, _pool);
        _queue.DropUnbegun();
        AssertEmpty();
    }

    [Fact]
    public void What_has_begun_is_kept_and_what_follows_is_dropped()
    {
        AppendShared("one"u8, start: 8);
        _queue.Append("two"u8, _pool);
        AppendShared("three"u8, start: 0);
        _queue.Advance(1);

        _queue.DropUnbegun();
        _queue.Append("bye"u8, _pool);

        Assert.Equal("nebye"u8.ToArray(), ContentOf(_queue));
        Assert.Equal(5, _queue.Bytes);
        _queue.Advance(5);
        AssertEmpty();
    }

    [Fact]
    public void The_next_message_has_not_begun_when_the_one_before_has_just_left()
    {
        AppendShared("one"u8, start: 0);
        AppendShared("two"u8, start: 0);
        _queue.Advance(3);

        _queue.DropUnbegun();

        AssertEmpty();
    }

    // A copy, a reference, bytes that leave, or all dropped that has not begun.
    private static readonly Gen<(int Kind, int Bytes, int Start)[]> Stories =
        Gen.Select(Gen.Frequency((4, Gen.Const(0)), (4, Gen.Const(1)), (4, Gen.Const(2)), (1, Gen.Const(3))),
            Gen.OneOf(Gen.Int[0, 40], Gen.Int[0, 3000]), Gen.Int[0, 10]).Array[1, 60];

    [Fact]
    public void The_queue_behaves_as_a_plain_list() => Stories.Sample(story =>
    {
        var pool = new CountingPool();
        OutboundQueue queue = default;
        byte[] model = [];
        var ends = new List<long>();      // Where messages end, counted from the first byte ever appended.
        long appended = 0;
        bool begun = false;
        byte next = 0;
        foreach ((int kind, int bytes, int start) in story)
        {
            byte[] message = Wire.Pattern(next++ + bytes)[^bytes..];
            switch (kind)
            {
                case 0:
                    queue.Append(message, pool);
                    break;
                case 1:
                    SharedBytes shared = SharedBytes.Rent(pool, start + bytes);
                    shared.Append(new byte[start]);
                    shared.Append(message);
                    queue.Append(shared, start);
                    shared.Release();
                    break;
                case 2:
                    int taken = Math.Min(bytes, model.Length);
                    queue.Advance(taken);
                    model = model[taken..];
                    begun = model.Length > 0 && (begun || taken > 0);
                    break;
                default:
                    queue.DropUnbegun();
                    byte[] kept = ContentOf(queue);
                    Assert.True(model.AsSpan().StartsWith(kept));
                    if (!begun) Assert.Empty(kept);

                    long first = appended - model.Length;
                    Assert.True(kept.Length == 0 || ends.Contains(first + kept.Length), "What is left ends inside a message.");
                    Assert.True(kept.Length > 0 || first == 0 || ends.Contains(first) || model.Length == 0, "A begun message was dropped.");
                    appended = first + kept.Length;
                    ends.RemoveAll(end => end > appended);
                    model = kept;
                    begun = begun && model.Length > 0;
                    break;
            }

            if (kind < 2)
            {
                model = [.. model, .. message];
                appended += bytes;
                ends.Add(appended);
            }

            Assert.Equal(model.Length, queue.Bytes);
            Assert.Equal(model.Length == 0, queue.IsEmpty);
            Assert.True(model.AsSpan().SequenceEqual(ContentOf(queue)));
        }

        queue.Clear();
        Assert.Equal(0, queue.Bytes);
        Assert.Equal(0, pool.Outstanding);
    }, iter: 500);

    private static byte[] ContentOf(in OutboundQueue queue)
    {
        var segments = new (byte[] Array, int Start, int Length)[200];
        int count = queue.CopyTo(segments);
        if (count > 0) Assert.True(queue.Front.SequenceEqual(segments[0].Array.AsSpan(segments[0].Start, segments[0].Length)));
        using var content = new MemoryStream();
        foreach ((byte[] array, int start, int length) in segments.AsSpan(0, count)) content.Write(array, start, length);
        return content.ToArray();
    }

    private byte[] Fill()
    {
        _queue.Append("private"u8, _pool);
        AppendShared("shared one"u8, start: 0);
        AppendShared("shared two"u8, start: 8);
        _queue.Append("again"u8, _pool);
        _queue.Append("and again"u8, _pool);
        AppendShared("shared three"u8, start: 1);
        _queue.Append("last"u8, _pool);
        return ContentOf(_queue);
    }

    private void AppendShared(ReadOnlySpan<byte> bytes, int start)
    {
        SharedBytes shared = SharedBytes.Rent(_pool, start + bytes.Length);
        shared.SetLength(start);
        shared.Append(bytes);
        _queue.Append(shared, start);
        shared.Release();
    }

    private void AssertEmpty()
    {
        Assert.True(_queue.IsEmpty);
        Assert.Equal(0, _queue.Bytes);
        Assert.Equal(0, _pool.Outstanding);
    }
}
