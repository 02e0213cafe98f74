using Broker.Core.Framing;
using Broker.Tests.Support;
using CsCheck;
using Xunit;

namespace Broker.Tests.Framing;

public sealed class MaskingTests
{
    private static readonly Gen<uint> s_keys = Gen.Frequency<uint>(
        (1, Gen.UInt), (1, Gen.OneOf<uint>(0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 0x000000ff, 0xff000000, 0x37fa213d)));

    [Fact]
    public void Hello_masks_as_the_rfc_prints_it()
    {
        byte[] data = "Hello"u8.ToArray();

        Masking.Apply(data, 0x37fa213d);

        Assert.Equal(Wire.Bytes("7f9f4d5158"), data);
    }

    [Fact]
    public void Every_length_and_phase_masks_as_byte_by_byte()
    {
        foreach (uint key in (uint[])[0, 1, 0xffffffff, 0x80000000, 0x37fa213d, 0xdeadbeef])
        {
            foreach (int length in Enumerable.Range(0, 300).Concat([511, 512, 513, 575, 576, 1000, 1023, 4097]))
            {
                for (int phase = 0; phase < 5; phase++)
                {
                    byte[] source = Wire.Pattern(length);
                    byte[] data = [.. source];

                    Masking.Apply(data, key, phase);

                    Assert.Equal(Slowly(source, key, phase), data);
                }
            }
        }
    }

    [Fact]
    public void Nothing_beside_the_data_is_touched()
    {
        foreach (int length in Enumerable.Range(0, 200).Concat([511, 512, 513, 576, 639, 641]))
        {
            for (int offset = 0; offset < 65; offset += 1 + offset / 9)
            {
                byte[] buffer = new byte[length + 80];
                byte[] target = new byte[length + 80];

                Masking.Apply(buffer.AsSpan(offset, length), 0xffffffff);
                Masking.Copy(new byte[length], target.AsSpan(offset), 0xffffffff);

                Assert.Equal(length, buffer.AsSpan(offset, length).Count((byte)0xff));
                Assert.Equal(length, buffer.AsSpan().Count((byte)0xff));
                Assert.Equal(buffer, target);
            }
        }
    }

    [Fact]
    public void A_copy_to_an_overlapping_target_before_the_source_is_the_masked_source()
    {
        foreach (int length in Enumerable.Range(0, 270).Concat([511, 512, 513, 575, 577, 1100]))
        {
            foreach (int back in (int[])[0, 1, 2, 3, 4, 6, 7, 8, 14, 15, 16, 17, 31, 33, 63, 64, 65, 130])
            {
                byte[] buffer = new byte[back + length + 3];
                byte[] source = Wire.Pattern(length);
                source.CopyTo(buffer, back);

                Masking.Copy(buffer.AsSpan(back, length), buffer.AsSpan(0, length), 0x37fa213d, phase: 1);

                Assert.Equal(Slowly(source, 0x37fa213d, 1), buffer[..length]);
            }
        }
    }

    [Fact]
    public void Masking_twice_is_nothing() =>
        Gen.Select(Gen.Byte.Array[0, 5000], s_keys, Gen.Int[0, 1000]).Sample((data, key, phase) =>
        {
            byte[] twice = [.. data];
            Masking.Apply(twice, key, phase);
            Masking.Apply(twice, key, phase);
            return twice.AsSpan().SequenceEqual(data);
        });

    [Fact]
    public void Masking_in_pieces_with_their_phases_is_masking_the_whole() =>
        Gen.Select(Gen.Byte.Array[0, 700], s_keys, Gen.Int[0, 700]).Sample((data, key, at) =>
        {
            int cut = Math.Min(at, data.Length);
            byte[] pieces = [.. data];
            Masking.Apply(pieces.AsSpan(0, cut), key);
            Masking.Apply(pieces.AsSpan(cut), key, cut);
            return pieces.AsSpan().SequenceEqual(Slowly(data, key, 0));
        });

    [Fact]
    public void A_target_shorter_than_the_source_is_refused() =>
        Assert.Throws<ArgumentException>(() => Masking.Copy(new byte[5], new byte[4], 1));

    private static byte[] Slowly(byte[] source, uint key, int phase) =>
        [.. source.Select((value, i) => (byte)(value ^ key >> (8 * (3 - (i + phase) % 4))))];
}
