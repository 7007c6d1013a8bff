using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace DistillSharp.RunLog;

/// <summary>
/// TensorBoard's file format: TFRecord frames (length, masked CRC of the length, data, masked CRC of the data; little-endian)
/// around protobuf messages <c>Event {1: wall_time, 2: step, 3: file_version, 5: Summary {1: Value {1: tag, 2: simple_value}}}</c>.
/// </summary>
public static class TensorBoardRecord
{
    /// <summary>CRC-32C (Castagnoli; RFC 3720, appendix B.4).</summary>
    public static uint Crc32C(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }

    /// <summary>The CRC as TFRecord stores it: rotated right by 15 bits plus a constant, so that a CRC over CRCs stays strong.</summary>
    public static uint MaskedCrc32C(ReadOnlySpan<byte> data) => BitOperations.RotateRight(Crc32C(data), 15) + 0xa282ead8;

    /// <summary>Writes one frame.</summary>
    public static void Write(Stream stream, ReadOnlySpan<byte> message)
    {
        var frame = new byte[16 + message.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), MaskedCrc32C(frame.AsSpan(0, 8)));
        message.CopyTo(frame.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(12 + message.Length), MaskedCrc32C(message));
        stream.Write(frame);
    }

    /// <summary>The message that every file begins with.</summary>
    /// <param name="wallTime">Seconds since 1970, UTC.</param>
    public static byte[] FileVersion(double wallTime)
    {
        using var buffer = new MemoryStream();
        WriteFixed64(buffer, 1, wallTime);
        WriteBytes(buffer, 3, "brain.Event:2"u8);
        return buffer.ToArray();
    }

    /// <summary>Scalars of one step.</summary>
    public static byte[] Scalars(double wallTime, long step, IEnumerable<(string Tag, double Value)> scalars)
    {
        using var summary = new MemoryStream();
        foreach (var (tag, value) in scalars)
        {
            using var entry = new MemoryStream();
            WriteBytes(entry, 1, Encoding.UTF8.GetBytes(tag));
            WriteFixed32(entry, 2, (float)value);
            WriteBytes(summary, 1, entry.ToArray());
        }

        using var buffer = new MemoryStream();
        WriteFixed64(buffer, 1, wallTime);
        buffer.WriteByte(2 << 3);
        WriteVarint(buffer, (ulong)step);
        WriteBytes(buffer, 5, summary.ToArray());
        return buffer.ToArray();
    }

    private static void WriteFixed64(Stream stream, int field, double value)
    {
        Span<byte> bytes = stackalloc byte[9];
        bytes[0] = (byte)((field << 3) | 1);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes[1..], value);
        stream.Write(bytes);
    }

    private static void WriteFixed32(Stream stream, int field, float value)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = (byte)((field << 3) | 5);
        BinaryPrimitives.WriteSingleLittleEndian(bytes[1..], value);
        stream.Write(bytes);
    }

    private static void WriteBytes(Stream stream, int field, ReadOnlySpan<byte> bytes)
    {
        stream.WriteByte((byte)((field << 3) | 2));
        WriteVarint(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static void WriteVarint(Stream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            stream.WriteByte((byte)(value | 0x80));
        }

        stream.WriteByte((byte)value);
    }
}
