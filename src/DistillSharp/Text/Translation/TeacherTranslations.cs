using System.Text.Json;
using DistillSharp.RunLog;
using DistillSharp.Text.Corpora;
using DistillSharp.Text.Metrics;
using DistillSharp.Training;

namespace DistillSharp.Text.Translation;

/// <summary>
/// What a teacher's beam search makes of sentences, kept in a file: a line with what it depends on, then a line a sentence with its
/// outputs from the best on. It is made once; what was begun and interrupted is gone on with.
/// </summary>
public sealed class TeacherTranslations
{
    private const int Chunk = 512;

    private readonly List<Line> _lines;

    private TeacherTranslations(List<Line> lines) => _lines = lines;

    /// <summary>Reads the file, or makes what of it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">Everything that the outputs depend on.</param>
    /// <param name="sentences">The sentences.</param>
    /// <param name="open">Makes the translator, where one is needed.</param>
    /// <param name="report">Told how it goes, about every ten seconds and at the end.</param>
    /// <param name="cancellation">Stops between parts, which are kept.</param>
    /// <exception cref="InvalidDataException">The file is of other sentences or another teacher.</exception>
    public static TeacherTranslations Get(
        string path, IReadOnlyDictionary<string, string> key, IReadOnlyList<string> sentences, Func<SentenceTranslator> open, Action<string> report, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var held = Lock(path + ".lock", cancellation);
        var lines = File.Exists(path) ? Read(path, key) : [];
        if (lines.Count == sentences.Count)
        {
            return new TeacherTranslations(lines);
        }

        // Whole lines alone: a killed process may have left half of one.
        using (var writer = new StreamWriter(path + ".part", append: false))
        {
            writer.Write(JsonSerializer.Serialize(key, RunJson.Line) + "\n");
            lines.ForEach(line => writer.Write(JsonSerializer.Serialize(line, RunJson.Line) + "\n"));
        }

        File.Move(path + ".part", path, overwrite: true);
        var translator = open();
        var progress = new TranslationProgress(lines.Count, sentences.Count, report, TimeProvider.System);
        while (lines.Count < sentences.Count)
        {
            cancellation.ThrowIfCancellationRequested();
            var chunk = sentences.Skip(lines.Count).Take(Chunk).ToList();
            var made = translator.TranslateAll(chunk, cancellation).Select(outputs => new Line(
                [.. outputs.Select(output => output.Text)], [.. outputs.Select(output => output.Output.LogProbability)], outputs[0].Output.IsEnded)).ToList();
            File.AppendAllLines(path, made.Select(line => JsonSerializer.Serialize(line, RunJson.Line)));
            lines.AddRange(made);
            progress.Hear(lines.Count);
        }

        return new TeacherTranslations(lines);
    }

    /// <summary>The pairs that a student learns from: sources with what the teacher wrote, without what is no translation.</summary>
    /// <param name="pairs">The sentences with their translations by people, which are empty for text without.</param>
    /// <param name="choose">Which output is taken.</param>
    /// <param name="dropped">Receives how many were dropped, by reason.</param>
    public List<SentencePair> Pairs(IReadOnlyList<SentencePair> pairs, OutputChoice choose, out IReadOnlyDictionary<string, int> dropped)
    {
        var (kept, reasons) = (new List<SentencePair>(pairs.Count), new SortedDictionary<string, int>());
        for (var i = 0; i < pairs.Count; i++)
        {
            var text = choose == OutputChoice.Closest && pairs[i].Target.Length > 0
                ? _lines[i].Texts.MaxBy(output => Bleu.Sentence(output, [pairs[i].Target], new BleuOptions { EffectiveOrder = true }).Score)!
                : _lines[i].Texts[0];
            if (Fault(pairs[i], text, _lines[i].IsEnded) is { } reason)
            {
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
            }
            else
            {
                kept.Add(pairs[i] with { Target = text });
            }
        }

        dropped = reasons;
        return kept;
    }

    /// <summary>Why an output is not worth learning; null where it is.</summary>
    internal static string? Fault(SentencePair pair, string output, bool isEnded) =>
        string.IsNullOrWhiteSpace(output) ? "empty"
        : !isEnded ? "cut off"
        : output == pair.Source && pair.Target != pair.Source ? "copied"
        : Loops(output) && !Loops(pair.Target) ? "looping"
        : null;

    // One to four words, four times in a row.
    private static bool Loops(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        for (var size = 1; size <= 4; size++)
        {
            var run = 0;
            for (var i = size; i < words.Length; i++)
            {
                run = words[i] == words[i - size] ? run + 1 : 0;
                if (run >= 3 * size)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static List<Line> Read(string path, IReadOnlyDictionary<string, string> key)
    {
        var lines = File.ReadLines(path).ToList();
        var found = lines.Count > 0 && Parse<Dictionary<string, string>>(lines[0]) is { } header ? header : [];
        var changed = key.Where(entry => found.GetValueOrDefault(entry.Key) != entry.Value).Select(entry => entry.Key).ToList();
        return changed.Count == 0
            ? [.. lines.Skip(1).Select(Parse<Line>).TakeWhile(line => line is { Texts.Count: > 0 }).Select(line => line!)]
            : throw new InvalidDataException($"{path} holds a teacher's translations of something else ({string.Join(", ", changed)} differ); move it away");
    }

    private static T? Parse<T>(string line)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line, RunJson.Line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Jobs side by side need the same file: one makes it, the others wait.
    private static FileStream Lock(string path, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                cancellation.ThrowIfCancellationRequested();
                Thread.Sleep(500);
            }
        }
    }

    private sealed record Line(IReadOnlyList<string> Texts, IReadOnlyList<double> LogProbabilities, bool IsEnded);
}
