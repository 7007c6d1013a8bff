using DistillSharp.Losses.Sequences;

namespace DistillSharp.Losses.Golden;

/// <summary>Losses of token sequences.</summary>
internal static class SequenceLosses
{
    /// <summary>Adds them.</summary>
    public static void Register(LossRegistry registry) => registry
        .Add("token_soft_target", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits(3);
            return TokenLoss.SoftTarget(student, teacher, inputs.Mask(student), options.Temperature(1)).Mean;
        })
        .Add("token_jsd", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits(3);
            return TokenLoss.JensenShannon(student, teacher, inputs.Mask(student), options.Number("beta", 0.5, 0, 1), options.Temperature(1)).Mean;
        });
}
