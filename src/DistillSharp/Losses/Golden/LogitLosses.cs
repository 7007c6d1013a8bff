using DistillSharp.Losses.Logits;

namespace DistillSharp.Losses.Golden;

/// <summary>Losses of logits.</summary>
internal static class LogitLosses
{
    /// <summary>Adds them.</summary>
    public static void Register(LossRegistry registry) => registry
        .Add("soft_target", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return SoftTargetLoss.Compute(student, teacher, options.Temperature(4)).Mean;
        });
}
