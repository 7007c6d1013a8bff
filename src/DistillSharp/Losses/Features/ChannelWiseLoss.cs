using static TorchSharp.torch;

namespace DistillSharp.Losses.Features;

/// <summary>Channel-wise distillation (Shu et al., ICCV 2021): each channel of a map as a distribution over positions.</summary>
public static class ChannelWiseLoss
{
    /// <summary>T²·KL(teacher ‖ student) over positions of softmax(x/T), mean over channels and samples.</summary>
    /// <param name="student">The student's map [N, C, H, W].</param>
    /// <param name="teacher">The teacher's map of that shape.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <exception cref="ArgumentException">The shapes differ, or T is not above 0.</exception>
    public static Tensor Compute(Tensor student, Tensor teacher, double temperature = 4)
    {
        FeatureShapes.RequireEqualMaps("channel_wise", student.shape, teacher.shape);
        if (!(temperature > 0))
        {
            throw new ArgumentException($"channel_wise: the temperature is {temperature}; it must be above 0");
        }

        var own = (student.Widen() / temperature).flatten(2).log_softmax(2);
        var target = (teacher.AsTarget(student) / temperature).flatten(2).log_softmax(2);
        return (target.exp() * (target - own)).sum(2).mean() * (temperature * temperature);
    }
}
