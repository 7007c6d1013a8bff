using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Inter-channel correlation (Liu et al., Exploring Inter-Channel Correlation for Diversity-preserved KD, ICCV 2021).</summary>
public static class InterChannelCorrelationLoss
{
    /// <summary>
    /// Squared Frobenius difference of the row-normalised Gram matrices [C, C] of channels, summed over samples, over channels·N². Maps
    /// [N, C, H, W] of one number of channels; sizes may differ.
    /// </summary>
    /// <exception cref="ArgumentException">Channels or batches differ.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher)
    {
        FeatureShapes.RequireChannels("inter_channel_correlation", student.shape, teacher.shape);
        var (samples, channels) = (student.shape[0], student.shape[1]);
        return (Correlations(student.Widen()) - Correlations(teacher.AsTarget(student))).square().sum() / (channels * samples * samples);
    }

    private static Tensor Correlations(Tensor map)
    {
        var flat = map.flatten(2);
        return FeatureTensors.UnitLength(flat.bmm(flat.transpose(1, 2)), 2);
    }
}
