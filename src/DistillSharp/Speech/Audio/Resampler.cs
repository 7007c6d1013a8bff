namespace DistillSharp.Speech.Audio;

/// <summary>
/// Changes the sample rate by a sinc under a Hann window, cut off at 0.99 of the lower Nyquist frequency, six zero crossings wide:
/// what torchaudio's <c>resample</c> does by default (<c>sinc_interp_hann</c>).
/// </summary>
public static class Resampler
{
    private const double CutOff = 0.99;
    private const int ZeroCrossings = 6;

    // A megabyte of taps: enough for all rates in use. Odd ones have more places between two samples, and their taps are computed as they are needed.
    private const double LargestTable = 1 << 17;
    private const int MostTables = 64;

    private static readonly Lock Door = new();
    private static readonly Dictionary<(int From, int To), Kernel[]> Tables = [];

    /// <summary>⌈samples · to / from⌉ samples of the same sound.</summary>
    /// <exception cref="ArgumentException">A rate is not above 0.</exception>
    /// <exception cref="OverflowException">The result has more samples than an array can.</exception>
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

        var output = new float[checked((int)((((long)samples.Length * to) + from - 1) / from))];
        var table = Table(from, to);
        for (var i = 0; i < output.Length; i++)
        {
            var (block, phase) = (i / to, i % to);
            var kernel = table is null ? KernelOf(from, to, phase) : table[phase];
            output[i] = Apply(samples, kernel.Taps, (block * from) + kernel.First);
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

    // One kernel for each of the places that an output sample can have between two input samples; kept, as a corpus has few pairs of rates. Null where it would be too large.
    private static Kernel[]? Table(int from, int to)
    {
        if (2 * Reach(from, to) * to > LargestTable)
        {
            return null;
        }

        lock (Door)
        {
            if (!Tables.TryGetValue((from, to), out var table))
            {
                if (Tables.Count == MostTables)
                {
                    Tables.Clear();
                }

                Tables[(from, to)] = table = [.. Enumerable.Range(0, to).Select(phase => KernelOf(from, to, phase))];
            }

            return table;
        }
    }

    private static double Low(int from, int to) => Math.Min(from, to) * CutOff;

    // Input samples to either side of an output sample beyond which the window is 0.
    private static double Reach(int from, int to) => ZeroCrossings * from / Low(from, to);

    private static Kernel KernelOf(int from, int to, int phase)
    {
        var (low, middle, reach) = (Low(from, to), (double)phase * from / to, Reach(from, to));
        var first = (int)Math.Floor(middle - reach);
        var taps = new double[(int)Math.Ceiling(middle + reach) - first + 1];
        for (var k = 0; k < taps.Length; k++)
        {
            var time = Math.Clamp((((double)(first + k) / from) - ((double)phase / to)) * low, -ZeroCrossings, ZeroCrossings);
            var window = Math.Pow(Math.Cos(time * Math.PI / ZeroCrossings / 2), 2);
            taps[k] = (time == 0 ? 1 : Math.Sin(Math.PI * time) / (Math.PI * time)) * window * low / from;
        }

        return new Kernel(first, taps);
    }

    // Its first tap belongs to the input sample so many behind the first of the output sample's block.
    private readonly record struct Kernel(int First, double[] Taps);
}
