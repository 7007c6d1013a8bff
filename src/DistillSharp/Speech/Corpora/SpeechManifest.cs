using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistillSharp.Config;

namespace DistillSharp.Speech.Corpora;

/// <summary>
/// Lists of recordings: JSON lines (<c>{"path": …, "text": …, "duration": …, "speaker": …}</c>) or CSV with a header of these names.
/// Only <c>path</c> must be there; it is relative to the manifest. Lines are read one after the other, so that a list may be longer than memory.
/// </summary>
public static class SpeechManifest
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The recordings of a manifest in its order.</summary>
    /// <exception cref="FileNotFoundException">There is no such manifest.</exception>
    /// <exception cref="InvalidDataException">A line is wrong; says which and how.</exception>
    public static IEnumerable<SpeechUtterance> Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"the manifest {path} does not exist", path);
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase) ? ReadCsv(path, folder) : ReadJson(path, folder);
    }

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
        Read(path).Select(utterance => !File.Exists(utterance.Path) ? $"{utterance.Path} does not exist"
            : utterance.Sha256.Length > 0 && FileHash.Sha256(utterance.Path) != utterance.Sha256 ? $"{utterance.Path} has changed: its SHA-256 is not {utterance.Sha256}"
            : null).OfType<string>();

    private static IEnumerable<SpeechUtterance> ReadJson(string path, string folder)
    {
        foreach (var (index, line) in File.ReadLines(path).Index())
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var where = $"{path}, line {index + 1}";
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
            yield return Utterance(where, folder, key => row.TryGetValue(key, out var value) && value.ValueKind != JsonValueKind.Null
                ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText()
                : null);
        }
    }

    private static IEnumerable<SpeechUtterance> ReadCsv(string path, string folder)
    {
        string[]? header = null;
        foreach (var (index, line) in File.ReadLines(path).Index())
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var where = $"{path}, line {index + 1}";
            var cells = Cells(line, where);
            if (header is null)
            {
                header = [.. cells.Select(cell => cell.Trim().ToLowerInvariant())];
                if (!header.Contains("path"))
                {
                    throw new InvalidDataException($"{where}: a CSV manifest begins with the names of its columns, of which `path` must be one; there are {string.Join(", ", header)}");
                }

                continue;
            }

            if (cells.Count != header.Length)
            {
                throw new InvalidDataException($"{where} has {cells.Count} cells, the header {header.Length}; a comma within a text needs quotes around it");
            }

            var names = header;
            yield return Utterance(where, folder, key => Array.IndexOf(names, key) is var place and >= 0 && cells[place].Length > 0 ? cells[place] : null);
        }
    }

    private static SpeechUtterance Utterance(string where, string folder, Func<string, string?> field)
    {
        var file = field("path") ?? throw new InvalidDataException($"{where} has no `path`");
        var seconds = 0.0;
        if (field("duration") is { } duration && (!double.TryParse(duration, NumberStyles.Float, CultureInfo.InvariantCulture, out seconds) || !(seconds >= 0) || double.IsInfinity(seconds)))
        {
            throw new InvalidDataException($"{where}: `duration` is `{duration}`; it must be seconds, 0 or more");
        }

        return new SpeechUtterance(Path.GetFullPath(Path.Combine(folder, file)), field("text"), seconds, field("speaker") ?? "") { Sha256 = field("sha256") ?? "" };
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
