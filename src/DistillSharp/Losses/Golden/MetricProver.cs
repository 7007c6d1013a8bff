using System.Text.Json;
using DistillSharp.Config;

namespace DistillSharp.Losses.Golden;

/// <summary>Proves a file of metrics: <c>sets</c> of outputs with references, and <c>scores</c> that other code computed of them.</summary>
internal static class MetricProver
{
    // Scores are computed in float64 from whole numbers, so that only the order of a few sums can differ.
    private const double Tolerance = 1e-6;

    private static readonly string[] s_reserved = ["set", "metric", "score"];

    /// <summary>One result a score; one that says why where the file cannot be used.</summary>
    public static IReadOnlyList<GoldenResult> Prove(GoldenFile file, MetricRegistry metrics)
    {
        try
        {
            using var document = JsonDocument.Parse(file.Read());
            var sets = Sets(document.RootElement);
            return document.RootElement.TryGetProperty("scores", out var scores) && scores.ValueKind == JsonValueKind.Array && scores.GetArrayLength() > 0
                ? [.. scores.EnumerateArray().Select((test, index) => ProveScore($"{file.Name}[{index}]", test, sets, metrics))]
                : throw new GoldenFormatException("`scores` must be a list with at least one score");
        }
        catch (Exception error)
        {
            return [GoldenResult.Failure(file.Name, "metrics", Message(error))];
        }
    }

    private static GoldenResult ProveScore(string name, JsonElement test, Dictionary<string, GoldenTestSet> sets, MetricRegistry metrics)
    {
        var metric = "";
        try
        {
            metric = Text(test, "metric");
            var compute = metrics.Get(metric);
            var set = Text(test, "set");
            if (!sets.TryGetValue(set, out var lines))
            {
                throw new GoldenFormatException($"there is no set `{set}`; {NearestName.Hint(set, sets.Keys)}");
            }

            return Compare(name, metric, test, set, options => compute(lines, options));
        }
        catch (Exception error)
        {
            return GoldenResult.Failure(name, metric, Message(error));
        }
    }

    private static GoldenResult Compare(string name, string metric, JsonElement test, string set, Func<GoldenOptions, GoldenScore> compute)
    {
        if (!test.TryGetProperty("score", out var stated) || stated.ValueKind != JsonValueKind.Number)
        {
            throw new GoldenFormatException("`score` must be a number");
        }

        var options = new GoldenOptions(test);
        var figures = compute(options);
        options.RejectUnknown([.. s_reserved, .. figures.Numbers.Keys, .. figures.Texts.Keys]);

        var faults = new List<string>();
        var error = Error(stated.GetDouble(), figures.Score);
        if (!(error <= Tolerance))
        {
            faults.Add($"score {figures.Score:R} differs from {stated.GetDouble():R} by {error:0.0e+0} (at most {Tolerance:0e+0})");
        }

        foreach (var (key, numbers) in figures.Numbers.Where(entry => test.TryGetProperty(entry.Key, out _)))
        {
            var expected = Numbers(key, test.GetProperty(key));
            if (expected.Count != numbers.Count || !expected.Zip(numbers, Error).All(difference => difference <= Tolerance))
            {
                faults.Add($"{key} {string.Join(", ", numbers.Select(number => $"{number:R}"))} differs from {test.GetProperty(key).GetRawText()}");
            }
        }

        foreach (var (key, text) in figures.Texts.Where(entry => test.TryGetProperty(entry.Key, out var value) && !(value.ValueKind == JsonValueKind.String && value.GetString() == entry.Value)))
        {
            faults.Add($"{key} {text} differs from {test.GetProperty(key).GetRawText()}");
        }

        var message = faults.Count > 0 ? $"set {set}: {string.Join("; ", faults)}" : "";
        return new GoldenResult(name, metric, faults.Count == 0, error, new Dictionary<string, double>(), message);
    }

    private static Dictionary<string, GoldenTestSet> Sets(JsonElement root)
    {
        if (!root.TryGetProperty("sets", out var sets) || sets.ValueKind != JsonValueKind.Object)
        {
            throw new GoldenFormatException("`sets` must be an object of named lists of sentences");
        }

        return sets.EnumerateObject().ToDictionary(set => set.Name, set => Set($"sets.{set.Name}", set.Value));
    }

    private static GoldenTestSet Set(string path, JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            throw new GoldenFormatException($"`{path}` must be a list of sentences with `hypothesis` and `references`");
        }

        var (hypotheses, references) = (new List<string>(), new List<IReadOnlyList<string>>());
        foreach (var (index, sentence) in list.EnumerateArray().Index())
        {
            hypotheses.Add(Text(sentence, "hypothesis", $"{path}[{index}]."));
            references.Add(sentence.TryGetProperty("references", out var given) && given.ValueKind == JsonValueKind.Array
                && given.EnumerateArray().All(reference => reference.ValueKind is JsonValueKind.String or JsonValueKind.Null)
                    ? [.. given.EnumerateArray().Select(reference => reference.GetString() ?? "")]
                    : throw new GoldenFormatException($"`{path}[{index}].references` must be a list of texts"));
        }

        return new GoldenTestSet(hypotheses, references);
    }

    private static string Text(JsonElement element, string name, string path = "") =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new GoldenFormatException($"`{path}{name}` must be a text");

    private static List<double> Numbers(string key, JsonElement value)
    {
        IEnumerable<JsonElement> items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        return [.. items.Select(item => item.ValueKind == JsonValueKind.Number ? item.GetDouble() : throw new GoldenFormatException($"`{key}` must hold numbers"))];
    }

    private static double Error(double expected, double actual)
    {
        var difference = Math.Abs(expected - actual);
        return difference <= 1e-12 ? 0 : difference / Math.Abs(expected);
    }

    private static string Message(Exception error) => error is GoldenFormatException or ArgumentException ? error.Message : $"{error.GetType().Name}: {error.Message}";
}
