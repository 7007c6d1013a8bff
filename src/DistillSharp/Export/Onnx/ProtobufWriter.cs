using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace DistillSharp.Export.Onnx;

/// <summary>
/// Writes one protocol-buffers message: as much of the wire format as ONNX files need. Fields go by number and type. Messages inside
/// messages and large fields are kept as parts and copied once, when the whole is written.
/// </summary>
internal sealed class ProtobufWriter
{
    private const int Varint = 0;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;
    private readonly List<(long Length, Action<Stream> Write)> _parts = [];
    private ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Bytes of the message so far.</summary>
    public long Length => _parts.Sum(part => part.Length) + _buffer.WrittenCount;

    /// <summary>The message so far.</summary>
    public ReadOnlySpan<byte> Bytes => ToArray();

    /// <summary>The message so far in an array of its own.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        using var stream = new MemoryStream(bytes);
        CopyTo(stream);
        return bytes;
    }

    /// <summary>Writes the message so far.</summary>
    public void CopyTo(Stream stream)
    {
        foreach (var (_, write) in _parts)
        {
            write(stream);
        }

        stream.Write(_buffer.WrittenSpan);
    }

    /// <summary>An int64, int32 or enum.</summary>
    public ProtobufWriter Integer(int field, long value)
    {
        WriteVarint(Tag(field, Varint));
        WriteVarint(unchecked((ulong)value));
        return this;
    }

    /// <summary>Repeated whole numbers, packed.</summary>
    public ProtobufWriter Integers(int field, IEnumerable<long> values)
    {
        var packed = new ProtobufWriter();
        foreach (var value in values)
        {
            packed.WriteVarint(unchecked((ulong)value));
        }

        return Raw(field, packed.Bytes);
    }

    /// <summary>A 32-bit float.</summary>
    public ProtobufWriter Number(int field, float value)
    {
        WriteVarint(Tag(field, Fixed32));
        BinaryPrimitives.WriteSingleLittleEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
        return this;
    }

    /// <summary>A text.</summary>
    public ProtobufWriter Text(int field, string value) => Raw(field, Encoding.UTF8.GetBytes(value));

    /// <summary>A message inside this one.</summary>
    public ProtobufWriter Message(int field, ProtobufWriter message)
    {
        WriteVarint(Tag(field, LengthDelimited));
        WriteVarint((ulong)message.Length);
        Close();
        message.Close();
        _parts.AddRange(message._parts);
        return this;
    }

    /// <summary>The fields of another message behind those of this one.</summary>
    public ProtobufWriter Append(ProtobufWriter fields)
    {
        Close();
        fields.Close();
        _parts.AddRange(fields._parts);
        return this;
    }

    /// <summary>Bytes that are fetched when the message is written.</summary>
    public ProtobufWriter Raw(int field, long length, Action<Stream> write)
    {
        WriteVarint(Tag(field, LengthDelimited));
        WriteVarint((ulong)length);
        Close();
        _parts.Add((length, write));
        return this;
    }

    /// <summary>Bytes.</summary>
    public ProtobufWriter Raw(int field, ReadOnlySpan<byte> bytes)
    {
        WriteVarint(Tag(field, LengthDelimited));
        WriteVarint((ulong)bytes.Length);
        _buffer.Write(bytes);
        return this;
    }

    // What was written becomes a part, so that what follows comes after it.
    private void Close()
    {
        if (_buffer.WrittenCount > 0)
        {
            var closed = _buffer;
            _parts.Add((closed.WrittenCount, stream => stream.Write(closed.WrittenSpan)));
            _buffer = new ArrayBufferWriter<byte>();
        }
    }

    private static ulong Tag(int field, int type) => ((ulong)field << 3) | (uint)type;

    private void WriteVarint(ulong value)
    {
        var span = _buffer.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            span[length++] = (byte)(value | 0x80);
        }

        span[length++] = (byte)value;
        _buffer.Advance(length);
    }
}
