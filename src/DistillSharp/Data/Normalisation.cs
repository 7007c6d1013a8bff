namespace DistillSharp.Data;

/// <summary>Mean and standard deviation a channel, for (x − mean)/sd.</summary>
public sealed record Normalisation(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>Leaves values as they are.</summary>
    public static Normalisation None(int channels) => new([.. Enumerable.Repeat(0f, channels)], [.. Enumerable.Repeat(1f, channels)]);

    /// <summary>Samples that the statistics of files are taken from.</summary>
    private const int MostRead = 2048;

    /// <summary>
    /// The statistics of a dataset, a channel (first axis of images; one for vectors); of samples that are read from files, those of
    /// 2,048 at most, spread evenly.
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
            for (var i = 0; i < data.Count; i++)
            {
                for (var p = channel * plane; p < (channel + 1) * plane; p++)
                {
                    var value = data.IsBytes ? data.Bytes(i)[p] * (double)data.Scale : data.Floats(i)[p];
                    sum += value;
                    squares += value * value;
                }
            }

            var count = (double)data.Count * plane;
            mean[channel] = (float)(sum / count);
            deviation[channel] = (float)Math.Sqrt(Math.Max(1e-12, (squares / count) - (sum / count * (sum / count))));
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
        return new Normalisation(
            [.. means.Select(mean => (float)(mean * data.Scale))],
            [.. means.Select((mean, channel) => (float)(Math.Sqrt(Math.Max(1e-12, (squares[channel] / count) - (mean * mean))) * data.Scale))]);
    }
}
