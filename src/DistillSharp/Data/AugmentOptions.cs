using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Random changes of training images, and normalisation of all: keys of <c>data.augment</c>.</summary>
public sealed record AugmentOptions
{
    /// <summary>Largest shift in pixels along each axis; zeros come in at the border.</summary>
    [Option("shift by up to so many pixels along each axis, zeros come in", Min = 0, Max = 64)]
    public int Shift { get; init; }

    /// <summary>Probability of a horizontal flip.</summary>
    [Option("probability of a horizontal flip", Min = 0, Max = 1)]
    public double Flip { get; init; }

    /// <summary>True where nothing is changed at random.</summary>
    public bool IsNone => Shift == 0 && Flip == 0;
}

/// <summary>Mean and standard deviation a channel, for (x − mean)/sd.</summary>
public sealed record Normalisation(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>Leaves values as they are.</summary>
    public static Normalisation None(int channels) => new([.. Enumerable.Repeat(0f, channels)], [.. Enumerable.Repeat(1f, channels)]);

    /// <summary>The statistics of a dataset, a channel (first axis of images; one for vectors).</summary>
    public static Normalisation Of(Dataset data)
    {
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
}
