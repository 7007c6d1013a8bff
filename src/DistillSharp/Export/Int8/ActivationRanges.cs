using DistillSharp.Export.Onnx;
using static TorchSharp.torch;

namespace DistillSharp.Export.Int8;

/// <summary>Finds the ranges of activations by running a float model on calibration samples.</summary>
internal static class ActivationRanges
{
    private const int Bins = 2048;
    private const int Levels = 128;
    private const int Step = 8;
    private const long PieceNumbers = 1 << 20;

    /// <summary>Smallest and largest value that each tensor must be able to hold.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="names">Its tensors.</param>
    /// <param name="batches">Inputs [N, …].</param>
    /// <param name="options">How ranges are found.</param>
    public static Dictionary<string, (float Low, float High)> Measure(OnnxModel model, IReadOnlyList<string> names, IReadOnlyList<Tensor> batches, QuantisationOptions options)
    {
        var input = model.Inputs.Single();
        var inner = names.Where(name => name != input && !model.Outputs.Contains(name)).ToList();
        using var session = new OnnxSession(OnnxGraph.WithOutputs(model.ToArray(), inner), ".");
        var ranges = names.ToDictionary(name => name, _ => (Low: float.PositiveInfinity, High: float.NegativeInfinity));
        Visit(session, input, names, batches, (name, values) =>
        {
            var (low, high) = ranges[name];
            ranges[name] = (Math.Min(low, values.min().item<float>()), Math.Max(high, values.max().item<float>()));
        });
        foreach (var (name, (low, high)) in ranges)
        {
            if (!float.IsFinite(low) || !float.IsFinite(high))
            {
                throw new InvalidOperationException($"tensor `{name}` is not finite on the calibration samples");
            }
        }

        return options.Calibration == RangeRule.MinMax ? ranges : Narrow(session, input, names, batches, ranges, options);
    }

    private static Dictionary<string, (float Low, float High)> Narrow(
        OnnxSession session, string input, IReadOnlyList<string> names, IReadOnlyList<Tensor> batches, Dictionary<string, (float Low, float High)> ranges, QuantisationOptions options)
    {
        var isEntropy = options.Calibration == RangeRule.Entropy;
        var counts = names.ToDictionary(name => name, _ => new double[Bins]);
        Visit(session, input, names, batches, (name, values) =>
        {
            var (low, high) = Span(ranges[name], isEntropy);
            if (high > low)
            {
                Count(counts[name], values, low, high, isEntropy);
            }
        });
        return names.ToDictionary(name => name, name =>
        {
            var (low, high) = ranges[name];
            if (isEntropy)
            {
                var threshold = (float)EntropyThreshold(counts[name], Math.Max(Math.Abs(low), Math.Abs(high)));
                return (Math.Max(low, -threshold), Math.Min(high, threshold));
            }

            return high > low ? PercentileRange(counts[name], low, high, options.Percentile) : (low, high);
        });
    }

    private static void Count(double[] counts, Tensor values, float low, float high, bool magnitudes)
    {
        using var contiguous = values.contiguous();
        var perValue = counts.Length / ((double)high - low);
        foreach (var value in contiguous.data<float>())
        {
            counts[Math.Clamp((int)(((magnitudes ? Math.Abs(value) : value) - low) * perValue), 0, counts.Length - 1)]++;
        }
    }

    private static (float Low, float High) Span((float Low, float High) range, bool isEntropy) => isEntropy ? (0, Math.Max(Math.Abs(range.Low), Math.Abs(range.High))) : range;

    /// <summary>The range without the outermost values: half of them on each side.</summary>
    internal static (float Low, float High) PercentileRange(double[] counts, float low, float high, double share)
    {
        // A hair more, since the share is no exact number.
        var outside = counts.Sum() * ((1 - share) / 2 * (1 + 1e-9));
        var width = ((double)high - low) / counts.Length;
        var (first, last) = (0, counts.Length - 1);
        for (var sum = counts[first]; first < last && sum <= outside; sum += counts[++first])
        {
        }

        for (var sum = counts[last]; last > first && sum <= outside; sum += counts[--last])
        {
        }

        return ((float)(low + (first * width)), (float)(low + ((last + 1) * width)));
    }

    /// <summary>The magnitude beyond which values are cut, so that 128 levels below it diverge least from the histogram.</summary>
    /// <param name="counts">Histogram of magnitudes from 0 to <paramref name="largest"/>.</param>
    /// <param name="largest">Largest magnitude.</param>
    /// <remarks>
    /// A ReLU's zeros are exact in any range. Counted, they would speak for narrow ranges, whose first level holds little beside them; the
    /// first bin takes the count of the second instead, as in NVIDIA's pytorch-quantization.
    /// </remarks>
    internal static double EntropyThreshold(double[] counts, double largest)
    {
        counts = [counts[1], .. counts.AsSpan(1)];
        var (best, least) = (counts.Length, double.PositiveInfinity);
        for (var kept = Levels; kept <= counts.Length; kept += Step)
        {
            var divergence = Divergence(counts, kept);
            if (divergence < least)
            {
                (best, least) = (kept, divergence);
            }
        }

        return largest * best / counts.Length;
    }

    // KL(reference ‖ quantised): what lies beyond the threshold counts for the last bin of the reference.
    private static double Divergence(double[] counts, int kept)
    {
        var reference = counts[..kept];
        reference[^1] += counts[kept..].Sum();
        var quantised = new double[kept];
        for (var level = 0; level < Levels; level++)
        {
            var (start, end) = (level * kept / Levels, (level + 1) * kept / Levels);
            var filled = counts[start..end].Count(count => count > 0);
            var mean = filled == 0 ? 0 : counts[start..end].Sum() / filled;
            for (var i = start; i < end; i++)
            {
                quantised[i] = counts[i] > 0 ? mean : 0;
            }
        }

        var (total, totalQuantised, divergence) = (reference.Sum(), quantised.Sum(), 0.0);
        for (var i = 0; i < kept; i++)
        {
            if (reference[i] > 0)
            {
                // A bin that only the cut tail fills has no counterpart; a floor stands for it.
                var share = totalQuantised > 0 ? quantised[i] / totalQuantised : 0;
                divergence += reference[i] / total * Math.Log(reference[i] / total / Math.Max(share, 1e-9));
            }
        }

        return divergence;
    }

    private static void Visit(OnnxSession session, string input, IReadOnlyList<string> names, IReadOnlyList<Tensor> batches, Action<string, Tensor> see)
    {
        var outputs = names.Where(name => name != input).ToList();
        foreach (var piece in batches.SelectMany(Pieces))
        {
            using var batch = piece;
            using var scope = NewDisposeScope();
            IReadOnlyList<Tensor> values = outputs.Count > 0 ? session.Run(input, batch, outputs) : [];
            for (var i = 0; i < outputs.Count; i++)
            {
                see(outputs[i], values[i]);
            }

            if (names.Contains(input))
            {
                see(input, batch);
            }
        }
    }

    // Every activation of a piece is in memory at once: of large images a few are enough.
    private static IEnumerable<Tensor> Pieces(Tensor batch)
    {
        var count = batch.shape[0];
        var size = Math.Clamp(PieceNumbers * count / batch.numel(), 1, count);
        for (var first = 0L; first < count; first += size)
        {
            yield return batch.narrow(0, first, Math.Min(size, count - first));
        }
    }
}
