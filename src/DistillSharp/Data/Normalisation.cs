namespace DistillSharp.Data;

/// <summary>Mean and standard deviation a channel, for (x − mean)/sd.</summary>
public sealed record Normalisation(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>Leaves values as they are.</summary>
    public static Normalisation None(int channels) => new([.. Enumerable.Repeat(0f, channels)], [.. Enumerable.Repeat(1f, channels)]);

    /// <summary>Samples that the statistics of files are taken from.</summary>
    private const int MostRead = 2048;

    // The most that a channel's values vary and still count as constant, as a share of the square of their scale: white for pixels, else the largest value.
    private const double ConstantVariance = 1e-10;

    /// <summary>
    /// The statistics of a dataset, a channel (first axis of images; one for vectors); of samples that are read from files, those of
    /// 2,048 at most, spread evenly. A channel in which nothing varies has the deviation 1: what augmentation puts there stays of its size.
    /// </summary>
    public static Normalisation Of(Dataset data)
    {
        if (data.IsRead)
        {
            return OfRead(data);
        }

        var channels = data.Info.InputShape.Count == 3 ? (int)data.Info.InputShape[0] : 1;
        var plane = data.SampleSize / channels;
        var mean = new float[channels];
        var deviation = new float[channels];
        for (var channel = 0; channel < channels; channel++)
        {
            var (sum, squares) = (0.0, 0.0);
            var (least, largest) = (double.PositiveInfinity, double.NegativeInfinity);
            for (var i = 0; i < data.Count; i++)
            {
                for (var p = channel * plane; p < (channel + 1) * plane; p++)
                {
                    var value = data.IsBytes ? data.Bytes(i)[p] * (double)data.Scale : data.Floats(i)[p];
                    sum += value;
                    squares += value * value;
                    (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
                }
            }

            var count = (double)data.Count * plane;
            mean[channel] = (float)(sum / count);
            var variance = (squares / count) - (sum / count * (sum / count));
            var scale = data.IsBytes ? (double)byte.MaxValue * data.Scale : Math.Max(Math.Abs(least), Math.Abs(largest));
            // Sums of one value round to a variance of their own.
            deviation[channel] = least == largest || variance <= ConstantVariance * scale * scale ? 1 : (float)Math.Sqrt(Math.Max(1e-12, variance));
        }

        return new Normalisation(mean, deviation);
    }

    // Sums of whole numbers do not depend on the order in which threads add them.
    private static Normalisation OfRead(Dataset data)
    {
        var channels = (int)data.Info.InputShape[0];
        var plane = data.SampleSize / channels;
        var taken = Math.Min(MostRead, data.Count);
        var (sums, squares) = (new long[channels], new long[channels]);
        InParallel.For(taken, 0, i =>
        {
            var pixels = data.Bytes((int)((long)i * data.Count / taken));
            for (var channel = 0; channel < channels; channel++)
            {
                var (sum, square) = (0L, 0L);
                foreach (var value in pixels.Slice(channel * plane, plane))
                {
                    sum += value;
                    square += value * value;
                }

                Interlocked.Add(ref sums[channel], sum);
                Interlocked.Add(ref squares[channel], square);
            }
        });
        var count = (double)taken * plane;
        var means = sums.Select(sum => sum / count).ToArray();
        var variances = means.Select((mean, channel) => (squares[channel] / count) - (mean * mean));
        return new Normalisation(
            [.. means.Select(mean => (float)(mean * data.Scale))],
            [.. variances.Select(variance => variance <= ConstantVariance * byte.MaxValue * byte.MaxValue ? 1 : (float)(Math.Sqrt(variance) * data.Scale))]);
    }
}
