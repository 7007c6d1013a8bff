using System.Globalization;
using System.Text.Json;

namespace DistillSharp.Speech.Recognition;

/// <summary>Keys of the metadata with which an exported network of speech can be used by itself.</summary>
public static class TranscriberFile
{
    /// <summary>Characters by label − 1.</summary>
    public const string Alphabet = "speech.alphabet";

    /// <summary>Texts by label − 1 as a JSON list, where they are more than characters.</summary>
    public const string Symbols = "speech.symbols";

    /// <summary>Samples a second.</summary>
    public const string SampleRate = "speech.sample_rate";

    /// <summary>Mel bands.</summary>
    public const string Mels = "speech.mels";

    /// <summary>Input frames of an output frame.</summary>
    public const string Subsampling = "speech.subsampling";

    internal const string Features = "features";
    internal const string Lengths = "lengths";
    internal const string Logits = "logits";

    private const int Shown = 60;

    /// <summary>Refuses weights that were trained with other symbols or at another rate than a run has; weights that name none pass.</summary>
    /// <param name="metadata">Metadata of the weights.</param>
    /// <param name="weights">Their file.</param>
    /// <param name="symbols">Texts of the run's symbols.</param>
    /// <param name="sampleRate">Samples a second of the run.</param>
    /// <exception cref="InvalidDataException">They were; says what both are.</exception>
    internal static void CheckTraining(IReadOnlyDictionary<string, string> metadata, string weights, IReadOnlyList<string> symbols, int sampleRate)
    {
        if (TrainedWith(metadata, weights) is { } theirs && !theirs.SequenceEqual(symbols))
        {
            var first = theirs.Zip(symbols).TakeWhile(pair => pair.First == pair.Second).Count() + 1;
            throw new InvalidDataException(
                $"{weights} was trained with {Described(theirs)}, and this run has {Described(symbols)}, the first other one at place {first}, so that its outputs stand for other texts; give `data` the `alphabet`, and the transcripts and `vocabulary`, that it was trained with");
        }

        var rate = sampleRate.ToString(CultureInfo.InvariantCulture);
        if (metadata.TryGetValue(SampleRate, out var theirRate) && theirRate != rate)
        {
            throw new InvalidDataException($"{weights} was trained on {theirRate} samples a second, and this run has {rate}, so that its features stand for other sounds; give `data: {{sample_rate: {theirRate}}}`");
        }
    }

    private static string[]? TrainedWith(IReadOnlyDictionary<string, string> metadata, string weights)
    {
        if (metadata.TryGetValue(Symbols, out var list))
        {
            try
            {
                return JsonSerializer.Deserialize<string[]>(list);
            }
            catch (JsonException error)
            {
                throw new InvalidDataException($"{weights}: {Symbols} of its metadata must be a JSON list of texts: {error.Message}", error);
            }
        }

        return metadata.TryGetValue(Alphabet, out var alphabet) ? [.. alphabet.Select(character => character.ToString())] : null;
    }

    private static string Described(IReadOnlyList<string> symbols)
    {
        var texts = string.Join(symbols.All(symbol => symbol is { Length: 1 }) ? "" : "|", symbols);
        return $"{symbols.Count} symbols (`{(texts.Length <= Shown ? texts : $"{texts[..Shown]}…")}`)";
    }
}
