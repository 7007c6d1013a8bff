using DistillSharp.Losses.Golden;
using DistillSharp.Text.Metrics;

namespace DistillSharp.Tests.Text.Metrics;

public class TextMetricProofTests
{
    private const string Good =
        """
        {"sets": {"s": [{"hypothesis": "the cat sat", "references": ["the cat sat"]}]},
         "scores": [{"set": "s", "metric": "bleu", "tokenize": "none", "smooth": "exp", "effective_order": true, "score": 100.0,
           "precisions": [100, 100, 100, 0], "bp": 1.0, "signature": "nrefs:1|case:mixed|eff:yes|tok:none|smooth:exp"}]}
        """;

    [Fact]
    public void Prove_ShippedScores_AllPass()
    {
        var results = ProveFolder(GoldenFiles.Embedded("metrics").Select(file => (file.Name, file.Read())));
        Assert.True(results.Count >= 70);
        Assert.Empty(results.Where(result => !result.Passed).Select(result => $"{result.File} {result.Message}"));
        Assert.All(results, result => Assert.InRange(result.LossError!.Value, 0, 1e-9));
    }

    [Fact]
    public void Prove_FileBesideLosses_IsKnownByItsContent()
    {
        var results = ProveFolder([("anywhere/below.json", Good), ("top.json", "[]")]);
        Assert.Equal(["anywhere/below.json[0]", "top.json"], results.Select(result => result.File));
        Assert.Equal([true, false], results.Select(result => result.Passed));
        Assert.Equal("bleu", results[0].Method);
    }

    [Theory]
    [InlineData("\"bleu\"", "\"blue\"", "unknown metric `blue`; did you mean `bleu`?")]
    [InlineData("100.0", "99.9998", "score 100")]
    [InlineData("\"bp\": 1.0", "\"bp\": 0.9", "bp 1 differs from 0.9")]
    [InlineData("[100, 100, 100, 0]", "[100, 100, 100]", "precisions")]
    [InlineData("eff:yes", "eff:no", "signature nrefs:1|case:mixed|eff:yes|tok:none|smooth:exp differs")]
    [InlineData("\"effective_order\"", "\"effective_ordr\"", "unknown option `effective_ordr`; did you mean `effective_order`?")]
    [InlineData("\"tokenize\": \"none\"", "\"tokenize\": \"14b\"", "option `tokenize` = 14b")]
    [InlineData("\"set\": \"s\"", "\"set\": \"t\"", "there is no set `t`")]
    [InlineData("[\"the cat sat\"]", "[\"\"]", "sentence 1 has no reference with text")]
    [InlineData("[\"the cat sat\"]", "[1]", "`sets.s[0].references` must be a list of texts")]
    [InlineData("\"hypothesis\"", "\"hypotheses\"", "`sets.s[0].hypothesis` must be a text")]
    [InlineData("\"score\": 100.0", "\"score\": \"high\"", "`score` must be a number")]
    [InlineData("\"scores\": [", "\"scores\": [], \"more\": [", "at least one score")]
    public void Prove_FaultyFile_FailsWithItsReason(string text, string replacement, string reason)
    {
        Assert.Contains(text, Good, StringComparison.Ordinal);
        var result = Assert.Single(ProveFolder([("a.json", Good.Replace(text, replacement, StringComparison.Ordinal))]));
        Assert.False(result.Passed);
        Assert.Contains(reason, result.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<GoldenResult> ProveFolder(IEnumerable<(string Name, string Text)> files)
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, text) in files)
        {
            var path = Path.Combine(folder.Path, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        return new GoldenProver(LossRegistry.Default(), TextMetricProofs.Register(new MetricRegistry())).Prove(folder.Path);
    }
}
