namespace DistillSharp.Losses.Golden;

/// <summary>Losses of feature maps.</summary>
internal static class FeatureLosses
{
    /// <summary>Adds them.</summary>
    public static void Register(LossRegistry registry) => ArgumentNullException.ThrowIfNull(registry);
}
