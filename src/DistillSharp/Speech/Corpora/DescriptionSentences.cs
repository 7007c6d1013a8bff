using System.IO.Compression;
using DistillSharp.Sequences;

namespace DistillSharp.Speech.Corpora;

/// <summary>Sentences of Debian's package descriptions to be spoken, where these were fetched for translation: the English column of <c>en-*.tsv.gz</c>.</summary>
internal static class DescriptionSentences
{
    /// <summary>Name by which they are fetched.</summary>
    public const string FetchedName = "debian-descriptions";

    private const int FewestWords = 3;
    private const int MostWords = 14;
    private const int Most = 20_000;
    private const int TestEvery = 20;

    private static readonly char[] Ends = ['.', '!', '?', ':', ';'];

    /// <summary>Sentences for training and for testing in their normal form, none in both; empty where nothing was fetched.</summary>
    /// <param name="cache">The folder of all datasets.</param>
    public static (IReadOnlyList<string> Train, IReadOnlyList<string> Test) Read(string cache)
    {
        var folder = Path.Combine(cache, FetchedName);
        var file = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "en-*.tsv.gz").Order(StringComparer.Ordinal).FirstOrDefault() : null;
        var sentences = file is null ? [] : Sentences(file).Distinct().Take(Most).ToList();
        return ([.. sentences.Where((_, i) => i % TestEvery != 0)], [.. sentences.Where((_, i) => i % TestEvery == 0)]);
    }

    // Names of programs, versions and options are no words that a voice can be expected to say.
    private static IEnumerable<string> Sentences(string file)
    {
        var alphabet = new SymbolAlphabet(SymbolAlphabet.English);
        using var reader = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            foreach (var text in line.Split('\t')[0].Split(Ends, StringSplitOptions.RemoveEmptyEntries).Where(text => !text.Any(character => char.IsDigit(character) || "/\\_()<>\"*=#@&|-".Contains(character, StringComparison.Ordinal))))
            {
                var normal = SpeechText.Normalise(text);
                if (ErrorRates.SplitWords(normal).Length is >= FewestWords and <= MostWords && alphabet.Unknown(normal).Length == 0)
                {
                    yield return normal;
                }
            }
        }
    }
}
