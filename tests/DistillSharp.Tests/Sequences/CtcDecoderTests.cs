using DistillSharp.Data;
using DistillSharp.Sequences;

namespace DistillSharp.Tests.Sequences;

/// <summary>Searches and alignments against all paths of a few frames, one by one.</summary>
public sealed class CtcDecoderTests
{
    private const int Classes = 3;

    private static float[] Logits(int frames, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, frames * Classes).Select(_ => (float)(4 * random.Unit()))];
    }

    private static double[] LogSoftmax(float[] logits, int frame)
    {
        var row = logits.Skip(frame * Classes).Take(Classes).Select(value => (double)value).ToArray();
        var sum = Math.Log(row.Sum(Math.Exp));
        return [.. row.Select(value => value - sum)];
    }

    private static IEnumerable<(int[] Path, double LogProbability)> Paths(float[] logits)
    {
        var frames = logits.Length / Classes;
        for (var number = 0; number < Math.Pow(Classes, frames); number++)
        {
            var path = Enumerable.Range(0, frames).Select(frame => number / (int)Math.Pow(Classes, frame) % Classes).ToArray();
            yield return (path, path.Select((label, frame) => LogSoftmax(logits, frame)[label]).Sum());
        }
    }

    private static int[] Collapsed(int[] path) => [.. path.Where((label, i) => label != 0 && (i == 0 || path[i - 1] != label))];

    private static List<(string Labels, double LogProbability)> Sums(float[] logits) =>
        [.. Paths(logits).GroupBy(each => string.Join(' ', Collapsed(each.Path))).Select(group => (group.Key, Math.Log(group.Sum(each => Math.Exp(each.LogProbability))))).OrderByDescending(each => each.Item2)];

    [Fact]
    public void Beam_OfNoWidth_IsRefused() => Assert.Throws<ArgumentException>(() => CtcDecoder.Beam(Logits(5, 1), Classes, 0));

    [Fact]
    public void Beam_WithScores_AddsThemToEveryPrefix()
    {
        var logits = Logits(5, 4);
        var found = CtcDecoder.Beam(logits, Classes, 500, new Ones(0));
        var expected = Sums(logits).Select(each => (each.Labels, Score: each.LogProbability + (2.5 * each.Labels.Split(' ').Count(label => label == "1")) - 1)).OrderByDescending(each => each.Score).ToList();
        Assert.NotEqual(Sums(logits)[0].Labels, expected[0].Labels);
        Assert.Equal(expected[0].Labels, string.Join(' ', found[0].Labels));
        Assert.Equal(expected[0].Score, found[0].LogProbability, 5);
    }

    [Theory]
    [InlineData(5ul, "1")]
    [InlineData(6ul, "1 1")]
    [InlineData(7ul, "2 1 2")]
    [InlineData(8ul, "1 2")]
    public void Align_Labels_FollowsTheLikeliestPathThatGivesThem(ulong seed, string text)
    {
        var (logits, labels) = (Logits(6, seed), text.Split(' ').Select(int.Parse).ToArray());
        var best = Paths(logits).Where(each => Collapsed(each.Path).SequenceEqual(labels)).MaxBy(each => each.LogProbability).Path;
        var found = CtcDecoder.Align(logits, Classes, labels);
        Assert.Equal(labels, found.Select(symbol => symbol.Label));
        Assert.All(found, symbol => Assert.Equal(symbol.Label, best[symbol.Frame]));
        Assert.All(found, symbol => Assert.Equal(Math.Exp(LogSoftmax(logits, symbol.Frame)[symbol.Label]), symbol.Probability, 5));
        Assert.Equal(found.Select(symbol => symbol.Frame).Order(), found.Select(symbol => symbol.Frame));
    }

    [Fact]
    public void Align_TooFewFrames_IsRefused() =>
        Assert.Contains("need 3 frames", Assert.Throws<ArgumentException>(() => CtcDecoder.Align(Logits(2, 1), Classes, [1, 1])).Message, StringComparison.Ordinal);

    [Fact]
    public void Margin_Frames_IsTheLeastDifferenceOfTheTwoBest() =>
        Assert.Equal(0.5, CtcDecoder.Margin([1f, 3f, 0f, 2f, -1f, 1.5f], Classes), 6);

    // Worth 2.5 for every label 1, and −1 at the end.
    private sealed class Ones(int count) : PrefixScore
    {
        public override double Value => 2.5 * count;

        public override double Final => Value - 1;

        public override PrefixScore Extend(int label) => new Ones(count + (label == 1 ? 1 : 0));
    }
}
