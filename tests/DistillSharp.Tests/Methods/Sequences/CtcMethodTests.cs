using DistillSharp.Losses.Sequences;
using DistillSharp.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Sequences;

/// <summary>CTC losses and decoders against sums over every alignment.</summary>
public sealed class CtcMethodTests
{
    private const int Classes = 3;

    private static double[][] Probabilities(float[] logits, int classes = Classes) =>
        [.. logits.Chunk(classes).Select(row => row.Select(value => Math.Exp(value)).ToArray()).Select(row => row.Select(value => value / row.Sum()).ToArray())];

    private static float[] Numbers(int count, int seed) => [.. Enumerable.Range(0, count).Select(i => (float)(2 * Math.Sin((i * 1.7) + seed)))];

    // Every path of classes and what it collapses to.
    private static Dictionary<string, double> Sequences(double[][] probabilities)
    {
        var found = new Dictionary<string, double>();
        for (var path = 0; path < Math.Pow(Classes, probabilities.Length); path++)
        {
            var (rest, before, labels, probability) = (path, 0, "", 1.0);
            foreach (var row in probabilities)
            {
                var symbol = rest % Classes;
                rest /= Classes;
                labels += symbol != 0 && symbol != before ? $"{symbol}" : "";
                before = symbol;
                probability *= row[symbol];
            }

            found[labels] = found.GetValueOrDefault(labels) + probability;
        }

        return found;
    }

    [Fact]
    public void Labels_EveryAlignment_IsSummed()
    {
        using var scope = NewDisposeScope();
        var numbers = Numbers(2 * 5 * Classes, 1);
        // The second utterance has three valid frames; the third label row is not transcribed.
        var logits = tensor(numbers, [2, 5, Classes]);
        var mask = tensor(new float[] { 1, 1, 1, 1, 1, 1, 1, 1, 0, 0 }, [2, 5]);
        var term = CtcLoss.Labels(logits, mask, tensor(new long[] { 1, 1, 2, 2, -1, -1 }, [2, 3]));
        var first = Sequences(Probabilities(numbers[..15]))["112"];
        var second = Sequences(Probabilities(numbers[15..24]))["2"];
        Assert.Equal(-Math.Log(first) - Math.Log(second), term.Sum.ToDouble(), 1e-4);
        Assert.Equal(4, term.Count);
        var mean = CtcLoss.LabelsByUtterance(logits, mask, tensor(new long[] { 1, 1, 2, 2, -1, -1 }, [2, 3]));
        Assert.Equal((-Math.Log(first) / 3) - Math.Log(second), mean.Sum.ToDouble(), 1e-4);
        Assert.Equal(2, mean.Count);
    }

    [Fact]
    public void Labels_UntranscribedUtterances_AddNothingAndHaveNoGradient()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(Numbers(30, 2), [2, 5, Classes]).requires_grad_(true);
        var term = CtcLoss.Labels(logits, null, tensor(new long[] { -1, -1, 1, 2 }, [2, 2]));
        term.Sum.backward();
        Assert.Equal(-Math.Log(Sequences(Probabilities(Numbers(30, 2)[15..]))["12"]), term.Sum.ToDouble(), 1e-4);
        Assert.Equal(0, logits.grad![0].abs().sum().ToDouble());
        Assert.Equal(0, CtcLoss.Labels(logits, null, tensor(new long[] { -1, -1, -1, -1 }, [2, 2])).Sum.ToDouble());
    }

    [Fact]
    public void Labels_MoreThanTheFramesAllow_AddZeroAndNotInfinity()
    {
        using var scope = NewDisposeScope();
        var term = CtcLoss.Labels(tensor(Numbers(9, 1), [1, 3, Classes]), null, tensor(new long[] { 1, 1, 1 }, [1, 3]));
        Assert.Equal(0, term.Sum.ToDouble());
        Assert.Equal(5, CtcDecoder.FramesNeeded([1, 1, 1]));
        Assert.Equal(3, CtcDecoder.FramesNeeded([1, 2, 1]));
    }

    [Theory]
    [InlineData(FrameSelection.All, 0)]
    [InlineData(FrameSelection.NonBlank, 0)]
    [InlineData(FrameSelection.NonBlank, 1)]
    [InlineData(FrameSelection.Symmetric, 1)]
    public void Frames_Selections_EqualPlainLoops(FrameSelection selection, int neighbours)
    {
        using var scope = NewDisposeScope();
        const int frames = 7;
        var (s, t) = (Numbers(frames * Classes, 3), Numbers(frames * Classes, 5));
        for (var frame = 0; frame < frames; frame++)
        {
            // Spikes at frames 2 and 6, of which the last is padding.
            t[frame * Classes] += frame is 2 or 6 ? -9 : 9;
        }

        var mask = tensor(new float[] { 1, 1, 1, 1, 1, 1, 0 }, [1, frames]);
        var term = CtcLoss.Frames(tensor(s, [1, frames, Classes]), tensor(t, [1, frames, Classes]), mask, mask, 2, selection, neighbours);
        var weights = new double[frames];
        for (var frame = 0; frame < 6; frame++)
        {
            weights[frame] = selection == FrameSelection.All ? 1
                : frame == 2 ? 1
                : Math.Abs(frame - 2) > neighbours && Math.Abs(frame - 6) > 0 ? 0
                : selection == FrameSelection.NonBlank ? 1 : 0.5;
        }

        var (p, q) = (Probabilities([.. t.Select(value => value / 2)]), Probabilities([.. s.Select(value => value / 2)]));
        var sum = Enumerable.Range(0, frames).Sum(frame => weights[frame] * Enumerable.Range(0, Classes).Sum(symbol => p[frame][symbol] * Math.Log(p[frame][symbol] / q[frame][symbol])));
        Assert.Equal(4 * sum / weights.Sum(), term.Sum.ToDouble(), 1e-4);
        Assert.Equal(1, term.Count);
    }

    [Fact]
    public void Guided_TheTeachersSpikes_AreWhatTheStudentSays()
    {
        using var scope = NewDisposeScope();
        var (s, t) = (Numbers(12, 3), new float[] { 9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 9, 0 });
        var mask = tensor(new float[] { 1, 1, 1, 0 }, [1, 4]);
        var p = Probabilities(s);
        Assert.Equal(-(p[1][1] + p[2][2]) / 2, CtcLoss.Guided(tensor(s, [1, 4, Classes]), tensor(t, [1, 4, Classes]), mask, mask).Sum.ToDouble(), 1e-5);
    }

    [Fact]
    public void Match_TwiceTheFrames_TakesTheMaximumOfLogProbabilities()
    {
        using var scope = NewDisposeScope();
        var (s, t) = (Numbers(2 * Classes, 1), Numbers(3 * Classes, 4));
        var (_, aligned, mask) = FrameAlignment.Match(tensor(s, [1, 2, Classes]), tensor(t, [1, 3, Classes]), null, null);
        var p = Probabilities(t);
        Assert.Equal(2, mask.sum().ToDouble());
        for (var symbol = 0; symbol < Classes; symbol++)
        {
            Assert.Equal(Math.Log(Math.Max(p[0][symbol], p[1][symbol])), aligned[0, 0, symbol].ToDouble(), 1e-5);
            Assert.Equal(Math.Log(p[2][symbol]), aligned[0, 1, symbol].ToDouble(), 1e-5);
        }

        Assert.Throws<ArgumentException>(() => FrameAlignment.Match(zeros(1, 10, Classes), zeros(1, 14, Classes), null, null));
    }

    [Fact]
    public void Average_TwiceTheFrames_IsTheMeanOfTheValidOnes()
    {
        using var scope = NewDisposeScope();
        var (s, t) = (tensor(Numbers(2 * 3, 1), [1, 2, 3]), tensor(Numbers(4 * 3, 4), [1, 4, 3]));
        var mask = tensor(new float[] { 1, 1, 1, 0 }, [1, 4]);
        var (_, averaged, valid) = FrameAlignment.Average(s, t.masked_fill(mask.eq(0).unsqueeze(-1), float.NaN), null, mask);
        Assert.Null(valid);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal((t[0, 0, i].ToDouble() + t[0, 1, i].ToDouble()) / 2, averaged[0, 0, i].ToDouble(), 1e-6);
            Assert.Equal(t[0, 2, i].ToDouble(), averaged[0, 1, i].ToDouble(), 1e-6);
        }

        // The student may be the finer side, with its mask given by the other.
        var coarse = ones(1, 2);
        var (own, _, other) = FrameAlignment.Average(t, s, mask, coarse);
        Assert.Equal([1, 2, 3], own.shape);
        Assert.Same(coarse, other);
        Assert.Throws<ArgumentException>(() => FrameAlignment.Average(zeros(1, 10, 3), zeros(1, 14, 3), null, null));
    }

    [Fact]
    public void Beam_WideEnough_FindsEverySequenceWithItsProbability()
    {
        for (var seed = 0; seed < 5; seed++)
        {
            var numbers = Numbers(5 * Classes, seed);
            var expected = Sequences(Probabilities(numbers)).OrderByDescending(entry => entry.Value).ToList();
            var found = CtcDecoder.Beam(numbers, Classes, 500);
            Assert.Equal(expected.Take(3).Select(entry => entry.Key), found.Take(3).Select(entry => string.Concat(entry.Labels)));
            Assert.Equal(expected.Take(3).Select(entry => Math.Log(entry.Value)), found.Take(3).Select(entry => entry.LogProbability), (a, b) => Math.Abs(a - b) < 1e-5);
        }
    }

    [Fact]
    public void Greedy_RepeatsAndBlanks_AreDropped()
    {
        float[] logits = [.. new[] { 0, 1, 1, 0, 1, 2, 0 }.SelectMany((best, frame) => Enumerable.Range(0, Classes).Select(i => i == best ? 3f + frame : 0f))];
        var symbols = CtcDecoder.Greedy(logits, Classes);
        Assert.Equal([(1, 2), (1, 4), (2, 5)], symbols.Select(symbol => (symbol.Label, symbol.Frame)));
        Assert.Equal(Math.Exp(5) / (Math.Exp(5) + 2), symbols[0].Probability, 1e-6);
    }

    [Fact]
    public void Alphabet_TextAndLabels_AreEachOthersInverse()
    {
        var alphabet = new SymbolAlphabet(SymbolAlphabet.English);
        Assert.Equal("it's one", alphabet.Decode(alphabet.Encode("it's one")));
        Assert.Contains("`é9`", Assert.Throws<ArgumentException>(() => alphabet.Encode("né9é")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new SymbolAlphabet("aa"));
    }
}
