using System.Buffers.Binary;
using System.Text.Json;

namespace DistillSharp.Export;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its key.</param>
/// <param name="ElementType">F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">Byte after the last.</param>
public sealed record SafetensorsEntry(string Name, string ElementType, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>Size in bytes.</summary>
    public long Length => End - Begin;
}

/// <summary>
/// The header of a safetensors file. Everything it claims is checked against the size of the file before anything is
/// believed: length, JSON, element types, shapes, and tensors that lie back to back from the first data byte to the last.
/// </summary>
internal sealed record SafetensorsHeader(IReadOnlyList<SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata, long DataStart)
{
    public const int MaxLength = 100_000_000;
    private const string MetadataKey = "__metadata__";

    public static SafetensorsHeader Read(Stream stream, string file)
    {
        var size = stream.Length;
        if (size < 8)
        {
            throw Bad(file, $"the file has {size} bytes, fewer than the 8 of the header length");
        }

        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength)
        {
            throw Bad(file, $"the header claims {length} bytes; at most {MaxLength} are allowed");
        }

        if (length > (ulong)(size - 8))
        {
            throw Bad(file, $"the header claims {length} bytes, but only {size - 8} follow its length");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return Parse(bytes, size - 8 - (long)length, file);
    }

    private static SafetensorsHeader Parse(byte[] bytes, long dataLength, string file)
    {
        if (bytes.Length == 0 || bytes[0] != '{')
        {
            throw Bad(file, "the header does not begin with `{`");
        }

        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
            var entries = new List<SafetensorsEntry>();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey)
                {
                    ReadMetadata(property.Value, metadata, file);
                }
                else
                {
                    entries.Add(ReadEntry(property.Name, property.Value, dataLength, file));
                }
            }

            entries.Sort((left, right) => (left.Begin, left.End).CompareTo((right.Begin, right.End)));
            CheckLayout(entries, dataLength, file);
            return new SafetensorsHeader(entries, metadata, 8 + bytes.Length);
        }
        // InvalidOperationException: a name or text that is no valid UTF-16.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Bad(file, $"the header is no valid JSON object: {error.Message}");
        }
    }

    private static void ReadMetadata(JsonElement value, SortedDictionary<string, string> metadata, string file)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw Bad(file, $"`{MetadataKey}` must be a map of texts");
        }

        foreach (var property in value.EnumerateObject())
        {
            metadata[property.Name] = property.Value.ValueKind == JsonValueKind.String
                ? property.Value.GetString()!
                : throw Bad(file, $"`{MetadataKey}` → `{property.Name}` must be a text");
        }
    }

    private static SafetensorsEntry ReadEntry(string name, JsonElement value, long dataLength, string file)
    {
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var type) || type.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shapeValue) || Numbers(shapeValue) is not { } shape
            || !value.TryGetProperty("data_offsets", out var offsetsValue) || Numbers(offsetsValue) is not [var begin, var end])
        {
            throw Bad(file, $"tensor `{name}` must have a dtype (text), a shape and data_offsets (lists of whole numbers from 0, offsets two of them)");
        }

        if (ElementTypes.SizeOf(type.GetString()!) is not { } elementSize)
        {
            throw Bad(file, $"tensor `{name}` has element type {type.GetString()}; known are {ElementTypes.Names}");
        }

        if (begin > end || end > dataLength)
        {
            throw Bad(file, $"tensor `{name}` claims bytes {begin} to {end}; the file has {dataLength} bytes of data");
        }

        // Saturates: no product above the file's size is right anyway. Axes of 0 must not hide an absurd shape from torch.
        var expected = shape.Aggregate((UInt128)elementSize, (product, axis) => UInt128.Min(product * (ulong)Math.Max(axis, 1), ulong.MaxValue));
        expected = expected > long.MaxValue || !shape.Contains(0) ? expected : 0;
        if (shape.Count > 64 || expected != (UInt128)(end - begin))
        {
            throw Bad(file, $"tensor `{name}` of type {type.GetString()} and shape [{string.Join(", ", shape)}] does not fit its {end - begin} bytes");
        }

        return new SafetensorsEntry(name, type.GetString()!, shape, begin, end);
    }

    private static List<long>? Numbers(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var numbers = new List<long>();
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out var number) || number < 0)
            {
                return null;
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private static void CheckLayout(List<SafetensorsEntry> sorted, long dataLength, string file)
    {
        long position = 0;
        SafetensorsEntry? previous = null;
        foreach (var entry in sorted)
        {
            if (entry.Begin < position)
            {
                throw Bad(file, $"tensors `{previous!.Name}` and `{entry.Name}` overlap at byte {entry.Begin}");
            }

            if (entry.Begin > position)
            {
                throw Bad(file, $"bytes {position} to {entry.Begin}, before tensor `{entry.Name}`, belong to no tensor");
            }

            position = entry.End;
            previous = entry;
        }

        if (position != dataLength)
        {
            throw Bad(file, $"the tensors end at byte {position}, but the file has {dataLength} bytes of data");
        }
    }

    public static byte[] Format(IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            foreach (var entry in entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.ElementType);
                WriteNumbers(json, "shape", entry.Shape);
                WriteNumbers(json, "data_offsets", [entry.Begin, entry.End]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Data begins on a multiple of 8; spaces at the end of the header are part of the format.
        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.Length <= MaxLength ? buffer.ToArray() : throw new ArgumentException($"the header has {buffer.Length} bytes; at most {MaxLength} are allowed");
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private static InvalidDataException Bad(string file, string what) => new($"{file} is no sound safetensors file: {what}");
}
