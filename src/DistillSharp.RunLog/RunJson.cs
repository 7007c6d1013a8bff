using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DistillSharp.RunLog;

/// <summary>How everything in a run directory is written as JSON: snake_case keys and names of choices, numbers that read back exactly.</summary>
public static class RunJson
{
    /// <summary>One object a line, for events.</summary>
    public static JsonSerializerOptions Line { get; } = Create(indented: false);

    /// <summary>Indented, with each array of numbers on one line, for files that people open.</summary>
    public static JsonSerializerOptions File { get; } = Create(indented: true);

    /// <summary>Writes a value through a temporary file beside it, so that no reader sees half of it and a full disk leaves the old one.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save<T>(string path, T value)
    {
        var full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var temporary = full + ".tmp";
        using (var stream = System.IO.File.Create(temporary))
        {
            JsonSerializer.Serialize(stream, value, File);
            stream.WriteByte((byte)'\n');
            stream.Flush(flushToDisk: true);
        }

        System.IO.File.Move(temporary, full, overwrite: true);
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not JSON of this kind; the message names file and place.</exception>
    public static T Load<T>(string path)
    {
        using var stream = System.IO.File.OpenRead(path);
        try
        {
            return JsonSerializer.Deserialize<T>(stream, File) ?? throw new InvalidDataException($"{path}: holds null where an object should be");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path}: not a valid {typeof(T).Name} file: {error.Message}", error);
        }
    }

    private static JsonSerializerOptions Create(bool indented)
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            WriteIndented = indented,
            NewLine = "\n",
            // Files, not HTML: names with quotes, arrows or accents stay readable.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        };
        options.Converters.Add(new FlatArrayConverter<int>());
        options.Converters.Add(new FlatArrayConverter<double>());
        options.Converters.Add(new FlatArrayConverter<double?>());
        // Choices that an older file has as numbers are read too.
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower));
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    /// <summary>Keeps an array of numbers on one line of an indented file.</summary>
    private sealed class FlatArrayConverter<T> : JsonConverter<T[]>
    {
        private static readonly JsonSerializerOptions Flat = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

        public override T[]? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => JsonSerializer.Deserialize<T[]>(ref reader, Flat);

        public override void Write(Utf8JsonWriter writer, T[] value, JsonSerializerOptions options)
            => writer.WriteRawValue(JsonSerializer.SerializeToUtf8Bytes(value, Flat), skipInputValidation: true);
    }
}
