using System.Numerics.Tensors;

namespace DistillSharp.Sequences;

/// <summary>One symbol that was recognised.</summary>
/// <param name="Label">Its label, from 1 on.</param>
/// <param name="Frame">The frame where it is likeliest.</param>
/// <param name="Probability">How likely it is there.</param>
public readonly record struct CtcSymbol(int Label, int Frame, double Probability);

/// <summary>Decodes frames of connectionist temporal classification: class 0 is blank, repeats without a blank between them are one symbol.</summary>
public static class CtcDecoder
{
    // With a language model, a label that is as unlikely as this in a frame is not looked at.
    private const double LeastLogProbability = -12;

    /// <summary>Fewest frames that a sequence of labels needs: one each, and a blank between equal neighbours.</summary>
    public static int FramesNeeded(IReadOnlyList<int> labels) => labels.Count + Enumerable.Range(1, Math.Max(0, labels.Count - 1)).Count(i => labels[i] == labels[i - 1]);

    /// <summary>The likeliest class of every frame, without repeats and blanks.</summary>
    /// <param name="logits">Frame after frame: [frames × classes].</param>
    /// <param name="classes">Number of classes.</param>
    public static IReadOnlyList<CtcSymbol> Greedy(ReadOnlySpan<float> logits, int classes)
    {
        var symbols = new List<CtcSymbol>();
        var (before, scratch) = (0, new float[classes]);
        for (var frame = 0; frame < logits.Length / classes; frame++)
        {
            var row = logits.Slice(frame * classes, classes);
            var best = TensorPrimitives.IndexOfMax(row);
            if (best != 0)
            {
                var probability = Math.Exp(row[best] - LogProbabilities.LogSum(row, scratch));
                if (best != before)
                {
                    symbols.Add(new CtcSymbol(best, frame, probability));
                }
                else if (probability > symbols[^1].Probability)
                {
                    symbols[^1] = new CtcSymbol(best, frame, probability);
                }
            }

            before = best;
        }

        return symbols;
    }

    /// <summary>The least difference of a frame's two best logits: how near the likeliest classes are to being others.</summary>
    /// <param name="logits">Frame after frame: [frames × classes].</param>
    /// <param name="classes">Number of classes, at least 2.</param>
    public static double Margin(ReadOnlySpan<float> logits, int classes)
    {
        var least = double.PositiveInfinity;
        Span<(float Value, int Index)> best = stackalloc (float, int)[2];
        for (var frame = 0; frame < logits.Length / classes; frame++)
        {
            LogProbabilities.Top(logits.Slice(frame * classes, classes), best);
            least = Math.Min(least, best[0].Value - best[1].Value);
        }

        return least;
    }

    /// <summary>The likeliest label sequences by prefix beam search (Graves, Supervised Sequence Labelling, 2012, section 7.5; Hannun et al., 2014), best first.</summary>
    /// <param name="logits">Frame after frame: [frames × classes].</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="beam">Prefixes that are kept.</param>
    /// <param name="scores">What prefixes are worth beside their sound, which is added to their log-probabilities (shallow fusion); null for nothing.</param>
    /// <returns>Labels, and log-probability of the sound plus that worth.</returns>
    public static IReadOnlyList<(int[] Labels, double LogProbability)> Beam(ReadOnlySpan<float> logits, int classes, int beam, PrefixScore? scores = null)
    {
        if (beam < 1)
        {
            throw new ArgumentException($"a beam needs a width of at least 1, not {beam}");
        }

        var scratch = new float[classes];
        List<Prefix> prefixes = [new Prefix([], 0, double.NegativeInfinity, scores)];
        // A language model may prefer what sounds less likely: with one, more labels are looked at.
        Span<(float Value, int Index)> best = stackalloc (float, int)[Math.Min(Math.Min(classes, 256), Math.Max(beam, scores is null ? 4 : 16) + 1)];
        for (var frame = 0; frame < logits.Length / classes; frame++)
        {
            var row = logits.Slice(frame * classes, classes);
            var total = LogProbabilities.LogSum(row, scratch);
            LogProbabilities.Top(row, best);
            var next = new Dictionary<LabelKey, Prefix>();
            foreach (var prefix in prefixes)
            {
                var own = Of(next, prefix.Labels, () => prefix.Score);
                own.Blank = Add(own.Blank, prefix.Total + row[0] - total);
                if (prefix.Labels.Length > 0)
                {
                    own.Label = Add(own.Label, prefix.Label + row[prefix.Labels[^1]] - total);
                }

                foreach (var (value, label) in best)
                {
                    if (label != 0 && (scores is null || value - total > LeastLogProbability))
                    {
                        // Behind its like a label is a new one only after a blank.
                        var from = prefix.Labels.Length > 0 && prefix.Labels[^1] == label ? prefix.Blank : prefix.Total;
                        if (!double.IsNegativeInfinity(from))
                        {
                            var longer = Of(next, [.. prefix.Labels, label], () => prefix.Score?.Extend(label));
                            longer.Label = Add(longer.Label, from + value - total);
                        }
                    }
                }
            }

            prefixes = [.. next.Values.OrderByDescending(prefix => prefix.Total + (prefix.Score?.Value ?? 0)).Take(beam)];
        }

        return [.. prefixes.Select(prefix => (prefix.Labels, prefix.Total + (prefix.Score?.Final ?? 0))).OrderByDescending(entry => entry.Item2)];
    }

    /// <summary>Where labels are said: the likeliest path through the frames that gives them (Viterbi), each label at its likeliest frame of that path.</summary>
    /// <param name="logits">Frame after frame: [frames × classes].</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">The labels, from 1 on.</param>
    /// <exception cref="ArgumentException">There are fewer frames than the labels need.</exception>
    public static IReadOnlyList<CtcSymbol> Align(ReadOnlySpan<float> logits, int classes, IReadOnlyList<int> labels)
    {
        var (frames, states) = (logits.Length / classes, (2 * labels.Count) + 1);
        if (labels.Count == 0)
        {
            return [];
        }

        if (frames < FramesNeeded(labels))
        {
            throw new ArgumentException($"{labels.Count} labels need {FramesNeeded(labels)} frames, and there are {frames}");
        }

        // States are blank, label, blank, label, … blank; steps are how far back a state came from.
        var (scores, before, steps, probabilities) = (new double[states], new double[states], new byte[frames, states], new double[frames, labels.Count]);
        Array.Fill(before, double.NegativeInfinity);
        var scratch = new float[classes];
        for (var frame = 0; frame < frames; frame++)
        {
            var row = logits.Slice(frame * classes, classes);
            var total = LogProbabilities.LogSum(row, scratch);
            for (var state = 0; state < states; state++)
            {
                var label = state % 2 == 0 ? 0 : labels[state / 2];
                var (best, step) = (frame == 0 ? (state < 2 ? 0 : double.NegativeInfinity) : before[state], 0);
                for (var back = 1; frame > 0 && back <= (label != 0 && state > 1 && labels[(state / 2) - 1] != label ? 2 : 1) && back <= state; back++)
                {
                    (best, step) = before[state - back] > best ? (before[state - back], back) : (best, step);
                }

                scores[state] = best + row[label] - total;
                steps[frame, state] = (byte)step;
                if (label != 0)
                {
                    probabilities[frame, state / 2] = Math.Exp(row[label] - total);
                }
            }

            (scores, before) = (before, scores);
        }

        var found = new CtcSymbol[labels.Count];
        var place = before[states - 1] > before[states - 2] ? states - 1 : states - 2;
        for (var frame = frames - 1; frame >= 0; place -= steps[frame, place], frame--)
        {
            if (place % 2 == 1 && (found[place / 2].Label == 0 || probabilities[frame, place / 2] >= found[place / 2].Probability))
            {
                found[place / 2] = new CtcSymbol(labels[place / 2], frame, probabilities[frame, place / 2]);
            }
        }

        return found;
    }

    private static Prefix Of(Dictionary<LabelKey, Prefix> all, int[] labels, Func<PrefixScore?> score)
    {
        var key = new LabelKey(labels);
        if (!all.TryGetValue(key, out var prefix))
        {
            all[key] = prefix = new Prefix(labels, double.NegativeInfinity, double.NegativeInfinity, score());
        }

        return prefix;
    }

    private static double Add(double left, double right)
    {
        var (large, small) = left > right ? (left, right) : (right, left);
        return double.IsNegativeInfinity(small) ? large : large + Math.Log(1 + Math.Exp(small - large));
    }

    // Log-probabilities of a prefix whose last frame is blank, and of one whose last frame is its last label.
    private sealed class Prefix(int[] labels, double blank, double label, PrefixScore? score)
    {
        public int[] Labels => labels;

        public PrefixScore? Score => score;

        public double Blank { get; set; } = blank;

        public double Label { get; set; } = label;

        public double Total => Add(Blank, Label);
    }

    private readonly struct LabelKey(int[] labels) : IEquatable<LabelKey>
    {
        private readonly int[] _labels = labels;

        public bool Equals(LabelKey other) => _labels.AsSpan().SequenceEqual(other._labels);

        public override bool Equals(object? obj) => obj is LabelKey other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var label in _labels)
            {
                hash.Add(label);
            }

            return hash.ToHashCode();
        }
    }
}
