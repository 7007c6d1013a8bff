namespace DistillSharp.Losses.Golden;

/// <summary>Losses of relations between the samples of a batch.</summary>
internal static class RelationLosses
{
    /// <summary>Adds them.</summary>
    public static void Register(LossRegistry registry) => ArgumentNullException.ThrowIfNull(registry);
}
