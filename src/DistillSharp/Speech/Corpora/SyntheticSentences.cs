using DistillSharp.Data;
using DistillSharp.Sequences;

namespace DistillSharp.Speech.Corpora;

/// <summary>Sentences to be spoken: given ones, chains of words that follow each other in them, numbers, dates, times.</summary>
internal sealed class SyntheticSentences
{
    private static readonly string[] Months = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
    private static readonly string[] Days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    private readonly List<string> _given;
    private readonly Dictionary<string, List<string>> _next = [];

    /// <summary>Sentences in their normal form.</summary>
    public SyntheticSentences(IEnumerable<string> given)
    {
        _given = [.. given];
        foreach (var words in _given.Select(ErrorRates.SplitWords))
        {
            for (var i = 0; i <= words.Length; i++)
            {
                var (before, after) = (i == 0 ? "" : words[i - 1], i == words.Length ? "" : words[i]);
                (_next.TryGetValue(before, out var list) ? list : _next[before] = []).Add(after);
            }
        }
    }

    /// <summary>A sentence, the same for the same key.</summary>
    public string Draw(ulong key)
    {
        var random = new StableRandom(key);
        return random.Below(10) switch
        {
            0 => SpeechText.Normalise($"{random.Below(1000)}"),
            1 => SpeechText.Normalise($"{Days[random.Below(7)]} the {random.Below(31) + 1}th of {Months[random.Below(12)]} {1900 + random.Below(130)}"),
            2 => $"at {SpeechText.Normalise($"{random.Below(12) + 1}")} {SpeechText.Normalise($"{10 + random.Below(50)}")} {(random.Below(2) == 0 ? "a m" : "p m")}",
            3 => string.Join(' ', Enumerable.Range(0, 4 + random.Below(5)).Select(_ => SpeechText.Words($"{random.Below(10)}"))),
            < 6 when _given.Count > 0 => _given[random.Below(_given.Count)],
            _ when _given.Count > 0 => Chain(ref random),
            _ => SpeechText.Normalise($"{random.Below(1_000_000)}"),
        };
    }

    private string Chain(ref StableRandom random)
    {
        var words = new List<string>();
        while (words.Count < 14)
        {
            var options = _next[words.Count == 0 ? "" : words[^1]];
            var word = options[random.Below(options.Count)];
            if (word.Length == 0)
            {
                break;
            }

            words.Add(word);
        }

        return string.Join(' ', words);
    }
}
