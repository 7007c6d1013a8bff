namespace DistillSharp.Speech.Audio;

/// <summary>
/// Changes the sample rate by a sinc under a Hann window, cut off at 0.99 of the lower Nyquist frequency, six zero crossings wide:
/// what torchaudio's <c>resample</c> does by default (<c>sinc_interp_hann</c>).
/// </summary>
public static class Resampler
{
    private const double CutOff = 0.99;
    private const int ZeroCrossings = 6;

    /// <summary>⌈samples · to / from⌉ samples of the same sound.</summary>
    /// <exception cref="ArgumentException">A rate is not above 0.</exception>
    public static float[] Resample(ReadOnlySpan<float> samples, int from, int to)
    {
        if (from <= 0 || to <= 0)
        {
            throw new ArgumentException($"sample rates must be above 0, not {from} and {to}");
        }

        var divisor = (int)System.Numerics.BigInteger.GreatestCommonDivisor(from, to);
        (from, to) = (from / divisor, to / divisor);
        if (from == to)
        {
            return samples.ToArray();
        }

        var low = Math.Min(from, to) * CutOff;
        var width = (int)Math.Ceiling(ZeroCrossings * from / low);
        var kernels = Kernels(from, to, low, width);
        var output = new float[(int)(((long)samples.Length * to) + from - 1) / from];
        for (var i = 0; i < output.Length; i++)
        {
            var (block, phase) = (i / to, i % to);
            output[i] = Apply(samples, kernels[phase], (block * from) - width);
        }

        return output;
    }

    private static float Apply(ReadOnlySpan<float> samples, double[] kernel, int start)
    {
        var sum = 0.0;
        var (first, last) = (Math.Max(0, -start), Math.Min(kernel.Length, samples.Length - start));
        for (var k = first; k < last; k++)
        {
            sum += kernel[k] * samples[start + k];
        }

        return (float)sum;
    }

    // One kernel for each of the places that an output sample can have between two input samples.
    private static double[][] Kernels(int from, int to, double low, int width)
    {
        var kernels = new double[to][];
        for (var phase = 0; phase < to; phase++)
        {
            var kernel = kernels[phase] = new double[(2 * width) + from];
            for (var k = 0; k < kernel.Length; k++)
            {
                var time = Math.Clamp((((double)(k - width) / from) - ((double)phase / to)) * low, -ZeroCrossings, ZeroCrossings);
                var window = Math.Pow(Math.Cos(time * Math.PI / ZeroCrossings / 2), 2);
                kernel[k] = (time == 0 ? 1 : Math.Sin(Math.PI * time) / (Math.PI * time)) * window * low / from;
            }
        }

        return kernels;
    }
}
