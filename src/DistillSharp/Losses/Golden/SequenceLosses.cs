namespace DistillSharp.Losses.Golden;

/// <summary>Losses of token sequences.</summary>
internal static class SequenceLosses
{
    /// <summary>Adds them.</summary>
    public static void Register(LossRegistry registry) => ArgumentNullException.ThrowIfNull(registry);
}
