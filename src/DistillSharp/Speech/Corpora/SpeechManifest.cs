using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using DistillSharp.Config;

namespace DistillSharp.Speech.Corpora;

/// <summary>
/// Lists of recordings: JSON lines (<c>{"path": …, "text": …, "duration": …, "speaker": …}</c>) or CSV with a header of these names.
/// Only <c>path</c> must be there; it is relative to the manifest. Lines are UTF-8 and read one after the other, so that a list may be longer than memory.
/// </summary>
public static class SpeechManifest
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What others call a transcript. JSON distinguishes `Text` from `text`.
    private static readonly string[] OtherNames = ["text", "sentence", "transcript", "transcription"];

    /// <summary>The recordings of a manifest in its order.</summary>
    /// <exception cref="FileNotFoundException">There is no such manifest.</exception>
    /// <exception cref="InvalidDataException">A line is wrong; says which and how.</exception>
    public static IEnumerable<SpeechUtterance> Read(string path) => Read(path, readsText: true);

    /// <summary>The recordings of a manifest without their transcripts, whatever these are called.</summary>
    /// <exception cref="FileNotFoundException">There is no such manifest.</exception>
    /// <exception cref="InvalidDataException">A line is wrong; says which and how.</exception>
    internal static IEnumerable<SpeechUtterance> ReadSounds(string path) => Read(path, readsText: false);

    /// <summary>Writes JSON lines; paths below the manifest's folder are written relative to it.</summary>
    public static void Write(string path, IEnumerable<SpeechUtterance> utterances)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var text = new StringBuilder();
        foreach (var utterance in utterances)
        {
            var line = new Dictionary<string, object> { ["path"] = Path.GetRelativePath(folder, utterance.Path).Replace('\\', '/') };
            if (utterance.Text is not null)
            {
                line["text"] = utterance.Text;
            }

            line["duration"] = Math.Round(utterance.Duration, 4);
            line["speaker"] = utterance.Speaker;
            line["sha256"] = utterance.Sha256;
            text.Append(JsonSerializer.Serialize(line, Json)).Append('\n');
        }

        File.WriteAllText(path, text.ToString());
    }

    /// <summary>The recordings whose files are missing or are not the ones that the manifest was made of.</summary>
    public static IEnumerable<string> Verify(string path) =>
        ReadSounds(path).Select(utterance => !File.Exists(utterance.Path) ? $"{utterance.Path} does not exist"
            : utterance.Sha256.Length > 0 && FileHash.Sha256(utterance.Path) != utterance.Sha256 ? $"{utterance.Path} has changed: its SHA-256 is not {utterance.Sha256}"
            : null).OfType<string>();

    private static IEnumerable<SpeechUtterance> Read(string path, bool readsText)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"the manifest {path} does not exist", path);
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase) ? ReadCsv(path, folder, readsText) : ReadJson(path, folder, readsText);
    }

    private static IEnumerable<SpeechUtterance> ReadJson(string path, string folder, bool readsText)
    {
        foreach (var (number, line) in Lines(path))
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var where = $"{path}, line {number}";
            Dictionary<string, JsonElement>? fields;
            try
            {
                fields = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line);
            }
            catch (JsonException error)
            {
                throw new InvalidDataException($"{where} is no JSON object: {error.Message}", error);
            }

            var row = fields ?? throw new InvalidDataException($"{where} is no JSON object, but null; a row is one such as {{\"path\": \"a.wav\"}}");
            if (readsText)
            {
                CheckNames(row.Keys, where);
            }

            yield return Utterance(where, folder, readsText, key => row.TryGetValue(key, out var value) && value.ValueKind != JsonValueKind.Null
                ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText()
                : null);
        }
    }

    private static IEnumerable<SpeechUtterance> ReadCsv(string path, string folder, bool readsText)
    {
        string[]? header = null;
        foreach (var (number, line) in Lines(path))
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var where = $"{path}, line {number}";
            var cells = Cells(line, where);
            if (header is null)
            {
                header = [.. cells.Select(cell => cell.Trim().ToLowerInvariant())];
                if (!header.Contains("path"))
                {
                    throw new InvalidDataException($"{where}: a CSV manifest begins with the names of its columns, of which `path` must be one; there are {string.Join(", ", header)}");
                }

                if (readsText)
                {
                    CheckNames(header, where);
                }

                continue;
            }

            if (cells.Count != header.Length)
            {
                throw new InvalidDataException($"{where} has {cells.Count} cells, the header {header.Length}; a comma within a text needs quotes around it");
            }

            var names = header;
            yield return Utterance(where, folder, readsText, key => Array.IndexOf(names, key) is var place and >= 0 && cells[place].Length > 0 ? cells[place] : null);
        }
    }

    private static SpeechUtterance Utterance(string where, string folder, bool readsText, Func<string, string?> field)
    {
        var file = field("path") ?? throw new InvalidDataException($"{where} has no `path`");
        var seconds = 0.0;
        if (field("duration") is { } duration && (!double.TryParse(duration, NumberStyles.Float, CultureInfo.InvariantCulture, out seconds) || !(seconds >= 0) || double.IsInfinity(seconds)))
        {
            throw new InvalidDataException($"{where}: `duration` is `{duration}`; it must be seconds, 0 or more");
        }

        var sound = Path.GetFullPath(Path.Combine(folder, file));
        return new SpeechUtterance(sound, readsText ? field("text") : null, seconds, field("speaker") ?? "") { Sha256 = field("sha256") ?? "", Key = Key(folder, file, sound) };
    }

    // An absolute path that leads elsewhere says the same whatever folder the manifest is in, and stays.
    private static string Key(string folder, string file, string sound)
    {
        var relative = Path.GetRelativePath(folder, sound).Replace('\\', '/');
        return Path.IsPathRooted(file) && relative.StartsWith("../", StringComparison.Ordinal) ? file.Replace('\\', '/') : relative;
    }

    private static void CheckNames(IReadOnlyCollection<string> names, string where)
    {
        if (!names.Contains("text") && names.FirstOrDefault(name => OtherNames.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } other)
        {
            throw new InvalidDataException($"{where} has `{other}` and no `text`: what is said is read from `text` alone; rename `{other}` to `text`, or list the manifest under `untranscribed`, where transcripts are not read");
        }
    }

    // Byte for byte first, and decoded line by line, so that the line that is not UTF-8 can be named.
    private static IEnumerable<(int Number, string Text)> Lines(string path)
    {
        using var reader = new StreamReader(path, Encoding.Latin1, detectEncodingFromByteOrderMarks: false);
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            var bytes = Encoding.Latin1.GetBytes(line);
            if (!Utf8.IsValid(bytes))
            {
                throw new InvalidDataException($"{path}, line {number}: not valid UTF-8; convert the file, with `iconv -f LATIN1 -t UTF-8` for example");
            }

            var text = Encoding.UTF8.GetString(bytes);
            yield return (number, number == 1 ? text.TrimStart('\uFEFF') : text);
        }
    }

    // RFC 4180 without line breaks in cells.
    private static List<string> Cells(string line, string where)
    {
        var (cells, cell, quoted) = (new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"' && quoted && i + 1 < line.Length && line[i + 1] == '"')
            {
                cell.Append(line[i++]);
            }
            else if (line[i] == '"')
            {
                quoted = !quoted;
            }
            else if (line[i] == ',' && !quoted)
            {
                cells.Add(cell.ToString());
                cell.Clear();
            }
            else
            {
                cell.Append(line[i]);
            }
        }

        cells.Add(cell.ToString());
        return quoted ? throw new InvalidDataException($"{where}: a quotation mark is not closed") : cells;
    }
}
