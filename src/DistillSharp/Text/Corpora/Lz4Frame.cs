using System.Buffers.Binary;

namespace DistillSharp.Text.Corpora;

/// <summary>
/// Unpacks LZ4 frames (the LZ4 Frame Format Description, version 1.6), which apt keeps its indices in. Checksums are skipped: apt has
/// checked the files against their signatures.
/// </summary>
internal static class Lz4Frame
{
    private const uint Magic = 0x184D2204;
    private const uint Uncompressed = 0x80000000;
    private const int MinimumMatch = 4;

    /// <summary>The unpacked bytes of a file.</summary>
    /// <exception cref="InvalidDataException">It is no LZ4 frame, or is damaged.</exception>
    public static byte[] Read(string path) => Unpack(File.ReadAllBytes(path), path);

    internal static byte[] Unpack(ReadOnlySpan<byte> packed, string path)
    {
        try
        {
            return Unpack(packed) ?? throw new InvalidDataException($"{path} is not an LZ4 frame");
        }
        catch (Exception error) when (error is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{path} is damaged or cut off", error);
        }
    }

    private static byte[]? Unpack(ReadOnlySpan<byte> packed)
    {
        if (packed.Length < 7 || BinaryPrimitives.ReadUInt32LittleEndian(packed) != Magic)
        {
            return null;
        }

        var flags = packed[4];
        var (hasBlockChecksum, hasSize, hasDictionary) = ((flags & 0x10) != 0, (flags & 0x08) != 0, (flags & 0x01) != 0);
        var position = 7 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0);
        var output = new GrowingBuffer(packed.Length * 4);
        while (true)
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(packed[position..]);
            position += 4;
            if (size == 0)
            {
                return output.ToArray();
            }

            var block = packed.Slice(position, (int)(size & ~Uncompressed));
            position += block.Length + (hasBlockChecksum ? 4 : 0);
            if ((size & Uncompressed) != 0)
            {
                output.Append(block);
            }
            else
            {
                Block(block, output);
            }
        }
    }

    private static void Block(ReadOnlySpan<byte> block, GrowingBuffer output)
    {
        var position = 0;
        while (position < block.Length)
        {
            var token = block[position++];
            var literals = Length(block, ref position, token >> 4);
            output.Append(block.Slice(position, literals));
            position += literals;
            if (position >= block.Length)
            {
                return;
            }

            var offset = BinaryPrimitives.ReadUInt16LittleEndian(block[position..]);
            position += 2;
            output.Repeat(offset, Length(block, ref position, token & 15) + MinimumMatch);
        }
    }

    private static int Length(ReadOnlySpan<byte> block, ref int position, int length)
    {
        if (length == 15)
        {
            byte next;
            do
            {
                next = block[position++];
                length += next;
            }
            while (next == 255);
        }

        return length;
    }

    private sealed class GrowingBuffer(int capacity)
    {
        private byte[] _bytes = new byte[capacity];
        private int _count;

        public void Append(ReadOnlySpan<byte> bytes)
        {
            Reserve(bytes.Length);
            bytes.CopyTo(_bytes.AsSpan(_count));
            _count += bytes.Length;
        }

        public void Repeat(int offset, int length)
        {
            ArgumentOutOfRangeException.ThrowIfZero(offset);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, _count);
            Reserve(length);
            // Byte by byte: a match may overlap what it writes.
            for (var i = 0; i < length; i++, _count++)
            {
                _bytes[_count] = _bytes[_count - offset];
            }
        }

        public byte[] ToArray() => _bytes[.._count];

        private void Reserve(int more)
        {
            if (_count + more > _bytes.Length)
            {
                Array.Resize(ref _bytes, Math.Max(_count + more, _bytes.Length * 2));
            }
        }
    }
}
