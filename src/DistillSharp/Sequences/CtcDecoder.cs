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

    /// <summary>The likeliest label sequences by prefix beam search (Graves, Supervised Sequence Labelling, 2012, section 7.5; Hannun et al., 2014), best first.</summary>
    /// <param name="logits">Frame after frame: [frames × classes].</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="beam">Prefixes that are kept.</param>
    /// <param name="bonus">What a label adds to the logarithm of a prefix it is put behind, such as a language model's; null for nothing.</param>
    public static IReadOnlyList<(int[] Labels, double LogProbability)> Beam(ReadOnlySpan<float> logits, int classes, int beam, Func<IReadOnlyList<int>, int, double>? bonus = null)
    {
        if (beam < 1)
        {
            throw new ArgumentException($"a beam needs a width of at least 1, not {beam}");
        }

        var scratch = new float[classes];
        List<Prefix> prefixes = [new Prefix([], 0, double.NegativeInfinity)];
        Span<(float Value, int Index)> best = stackalloc (float, int)[Math.Min(classes, Math.Max(beam, 4) + 1)];
        for (var frame = 0; frame < logits.Length / classes; frame++)
        {
            var row = logits.Slice(frame * classes, classes);
            var total = LogProbabilities.LogSum(row, scratch);
            LogProbabilities.Top(row, best);
            var next = new Dictionary<LabelKey, Prefix>();
            foreach (var prefix in prefixes)
            {
                var own = Of(next, prefix.Labels);
                own.Blank = Add(own.Blank, prefix.Total + row[0] - total);
                if (prefix.Labels.Length > 0)
                {
                    own.Label = Add(own.Label, prefix.Label + row[prefix.Labels[^1]] - total);
                }

                foreach (var (value, label) in best)
                {
                    if (label != 0)
                    {
                        // Behind its like a label is a new one only after a blank.
                        var from = prefix.Labels.Length > 0 && prefix.Labels[^1] == label ? prefix.Blank : prefix.Total;
                        if (!double.IsNegativeInfinity(from))
                        {
                            var longer = Of(next, [.. prefix.Labels, label]);
                            longer.Label = Add(longer.Label, from + value - total + (bonus?.Invoke(prefix.Labels, label) ?? 0));
                        }
                    }
                }
            }

            prefixes = [.. next.Values.OrderByDescending(prefix => prefix.Total).Take(beam)];
        }

        return [.. prefixes.Select(prefix => (prefix.Labels, prefix.Total))];
    }

    private static Prefix Of(Dictionary<LabelKey, Prefix> all, int[] labels)
    {
        var key = new LabelKey(labels);
        if (!all.TryGetValue(key, out var prefix))
        {
            all[key] = prefix = new Prefix(labels, double.NegativeInfinity, double.NegativeInfinity);
        }

        return prefix;
    }

    private static double Add(double left, double right)
    {
        var (large, small) = left > right ? (left, right) : (right, left);
        return double.IsNegativeInfinity(small) ? large : large + Math.Log(1 + Math.Exp(small - large));
    }

    // Log-probabilities of a prefix whose last frame is blank, and of one whose last frame is its last label.
    private sealed class Prefix(int[] labels, double blank, double label)
    {
        public int[] Labels => labels;

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
