using System.Globalization;
using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Export.Onnx;

/// <summary>How close an exported network is to the live one.</summary>
/// <param name="Samples">Samples compared.</param>
/// <param name="LargestDifference">Largest |difference| of any output; NaN where texts alone are compared.</param>
/// <param name="Decided">Samples whose margin exceeds their error in every output, so that the top class had to agree; of networks that give texts those whose texts agree.</param>
public sealed record ParityResult(int Samples, double LargestDifference, int Decided)
{
    /// <summary>The files of a network that is more than one graph; empty where it is the file that was asked for.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
}

/// <summary>An exported network that does not compute what the live one does; the message says where.</summary>
public sealed class ParityException(string message) : Exception(message);

/// <summary>
/// Compares an ONNX file with the live network: every output within 1e-4 + 1e-4·|y| of the live value y, and the same top
/// class wherever the live margin (best minus second) exceeds the sample's largest difference.
/// </summary>
public static class ParityCheck
{
    private const double Absolute = 1e-4;
    private const double Relative = 1e-4;
    private const int BatchSize = 64;

    /// <summary>Compares on real samples: the first alone, then all in batches.</summary>
    /// <param name="network">The live network; its mode is left as it was.</param>
    /// <param name="onnxPath">The exported file.</param>
    /// <param name="samples">Inputs [N, …] as the network sees them.</param>
    /// <param name="exits">Early exits that were exported with it.</param>
    /// <param name="sampleIds">Names of the samples in messages; their places where null.</param>
    /// <exception cref="ParityException">They differ.</exception>
    public static ParityResult Compare(
        Network network, string onnxPath, Tensor samples, IReadOnlyList<EarlyExit>? exits = null, IReadOnlyList<long>? sampleIds = null)
    {
        var count = (int)samples.shape[0];
        if (count == 0)
        {
            throw new ArgumentException("an exported network is compared on real samples; none were given");
        }

        using var session = new OnnxSession(onnxPath);
        var result = new ParityResult(0, 0, 0);
        for (var (start, length) = (0, 1); start < count; (start, length) = (start + length, BatchSize))
        {
            length = Math.Min(length, count - start);
            using var scope = NewDisposeScope();
            var part = samples.narrow(0, start, length);
            var live = LiveOutputs.Of(network, exits ?? [], part);
            var exported = session.Run(part);
            var ids = Enumerable.Range(start, length).Select(index => sampleIds?[index] ?? index).ToArray();
            result = Add(result, CompareBatch(session.Outputs, live, exported, ids));
        }

        return result;
    }

    private static ParityResult Add(ParityResult left, ParityResult right) => new(
        left.Samples + right.Samples,
        Math.Max(left.LargestDifference, right.LargestDifference),
        left.Decided + right.Decided);

    private static ParityResult CompareBatch(IReadOnlyList<string> names, IReadOnlyList<Tensor> live, IReadOnlyList<Tensor> exported, long[] ids)
    {
        if (live.Count != exported.Count)
        {
            throw new ParityException($"the exported network has {exported.Count} outputs, the live one {live.Count}");
        }

        var largest = 0.0;
        var decided = Enumerable.Repeat(true, ids.Length).ToArray();
        for (var output = 0; output < live.Count; output++)
        {
            if (!live[output].shape.SequenceEqual(exported[output].shape))
            {
                throw new ParityException($"output `{names[output]}` has shape [{string.Join(", ", exported[output].shape)}] in the exported network, [{string.Join(", ", live[output].shape)}] in the live one");
            }

            var (expected, actual) = (Values(live[output]), Values(exported[output]));
            var width = expected.Length / ids.Length;
            for (var sample = 0; sample < ids.Length; sample++)
            {
                var range = new Range(sample * width, (sample + 1) * width);
                var (difference, clear) = CompareSample(names[output], ids[sample], expected.AsSpan(range), actual.AsSpan(range));
                largest = Math.Max(largest, difference);
                decided[sample] &= clear;
            }
        }

        return new ParityResult(ids.Length, largest, decided.Count(clear => clear));
    }

    private static (double Difference, bool Clear) CompareSample(string output, long id, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        var largest = 0.0;
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs((double)expected[i] - actual[i]);
            var allowed = Absolute + (Relative * Math.Abs((double)expected[i]));
            // Written so that NaN fails; equal infinities are NaN here as well.
            if (!(difference <= allowed))
            {
                throw new ParityException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"sample {id}, output `{output}` [{i}]: the exported network gives {actual[i]:G9}, the live one {expected[i]:G9}; they may differ by {allowed:G3}"));
            }

            largest = Math.Max(largest, difference);
        }

        var (best, margin) = Best(expected);
        var clear = margin > largest;
        var chosen = Best(actual).Index;
        return !clear || chosen == best
            ? (largest, clear)
            : throw new ParityException(string.Create(
                CultureInfo.InvariantCulture,
                $"sample {id}, output `{output}`: the exported network chooses class {chosen}, the live one class {best} by a margin of {margin:G3}"));
    }

    private static (int Index, double Margin) Best(ReadOnlySpan<float> values)
    {
        var best = 0;
        var second = double.NegativeInfinity;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
            {
                second = values[best];
                best = i;
            }
            else
            {
                second = Math.Max(second, values[i]);
            }
        }

        return (best, values[best] - second);
    }

    private static float[] Values(Tensor tensor)
    {
        using var contiguous = tensor.contiguous();
        return contiguous.data<float>().ToArray();
    }
}
