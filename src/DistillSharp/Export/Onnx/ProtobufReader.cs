using System.Buffers.Binary;
using System.Text;

namespace DistillSharp.Export.Onnx;

/// <summary>Reads protocol-buffers messages field by field: as much of the wire format as ONNX files need, with every length checked.</summary>
internal sealed class ProtobufReader(Stream stream)
{
    private const int MaxTextLength = 64 << 20;

    /// <summary>Where the next byte is read.</summary>
    public long Position => stream.Position;

    /// <summary>The number and wire type of the next field.</summary>
    public (int Field, int Type) Tag()
    {
        var tag = Varint();
        return tag is >= 8 and <= uint.MaxValue ? ((int)(tag >> 3), (int)(tag & 7)) : throw new InvalidDataException($"{tag} is no field tag");
    }

    /// <summary>A whole number.</summary>
    public ulong Varint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = stream.ReadByte();
            if (part < 0)
            {
                throw new InvalidDataException("it ends within a number");
            }

            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number has more than 64 bits");
    }

    /// <summary>The length of a field that follows, which is there.</summary>
    public long Length()
    {
        var length = Varint();
        var left = stream.Length - stream.Position;
        return length <= (ulong)left ? (long)length : throw new InvalidDataException($"a field claims {length} bytes and {left} are left");
    }

    /// <summary>The bytes of a field of moderate size.</summary>
    public byte[] Delimited()
    {
        var length = Length();
        if (length > MaxTextLength)
        {
            throw new InvalidDataException($"a text has {length} bytes; at most {MaxTextLength} are read");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>The bytes of a field of any size that fits an array.</summary>
    public byte[] Payload()
    {
        var length = Length();
        if (length > Array.MaxLength)
        {
            throw new InvalidDataException($"a field has {length} bytes, which is too much to hold");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A 32-bit float.</summary>
    public float Number()
    {
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length
            ? BinaryPrimitives.ReadSingleLittleEndian(bytes)
            : throw new InvalidDataException("it ends within a number");
    }

    /// <summary>A text.</summary>
    public string Text() => Encoding.UTF8.GetString(Delimited());

    /// <summary>Visits the fields of a message that follows as one field; a visitor that returns false has not read the field, which is skipped.</summary>
    public void Message(Func<int, int, bool> field)
    {
        var end = Length() + Position;
        while (Position < end)
        {
            var (number, type) = Tag();
            if (!field(number, type))
            {
                Skip(type);
            }
        }

        if (Position != end)
        {
            throw new InvalidDataException("a field ends behind the message that it is in");
        }
    }

    /// <summary>A message of a key and a value, as metadata and the places of weights are kept.</summary>
    public (string Key, string Value) Entry()
    {
        var (key, value) = ("", "");
        Message((field, type) =>
        {
            switch (field, type)
            {
                case (1, 2):
                    key = Text();
                    return true;
                case (2, 2):
                    value = Text();
                    return true;
                default:
                    return false;
            }
        });
        return (key, value);
    }

    /// <summary>Goes past a field.</summary>
    public void Skip(int type)
    {
        var length = type switch
        {
            0 => Varint() & 0,
            1 => 8UL,
            2 => (ulong)Length(),
            5 => 4UL,
            _ => throw new InvalidDataException($"fields of wire type {type} do not occur"),
        };
        if (length > (ulong)(stream.Length - stream.Position))
        {
            throw new InvalidDataException("it ends within a field");
        }

        stream.Position += (long)length;
    }
}
