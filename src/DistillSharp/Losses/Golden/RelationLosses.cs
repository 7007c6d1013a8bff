using DistillSharp.Losses.Relations;

namespace DistillSharp.Losses.Golden;

/// <summary>Losses of relations between the samples of a batch.</summary>
internal static class RelationLosses
{
    /// <summary>Adds them.</summary>
    public static void Register(LossRegistry registry) => registry
        .Add("rkd", (options, inputs) =>
        {
            var (student, teacher) = inputs.Embeddings();
            return RelationalLoss.Compute(student, teacher, options.Number("distance_weight", 25), options.Number("angle_weight", 50)).Mean;
        })
        .Add("pkt", (_, inputs) =>
        {
            var (student, teacher) = inputs.Embeddings();
            return ProbabilisticTransferLoss.Compute(student, teacher).Mean;
        })
        .Add("correlation_congruence", (options, inputs) =>
        {
            options.Choice("projector", "none");
            var (gamma, order) = (options.Number("gamma", 0.4, 0, aboveMin: true), options.Whole("order", 2, 1));
            var paper = options.Choice("variant", "code", "paper") == "paper";
            var (student, teacher) = inputs.Embeddings(sameWidth: !paper);
            return (paper ? CorrelationCongruenceLoss.Kernel(student, teacher, gamma, order) : CorrelationCongruenceLoss.Neighbours(student, teacher)).Mean;
        });
}
