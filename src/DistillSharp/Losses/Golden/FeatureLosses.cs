using DistillSharp.Losses.Features;
using static TorchSharp.torch;

namespace DistillSharp.Losses.Golden;

/// <summary>Losses of feature maps.</summary>
internal static class FeatureLosses
{
    /// <summary>Adds them. Vectors are taken with projectors off, so that <c>none</c>, or <c>auto</c> where nothing needs projecting, is the value of such an option.</summary>
    public static void Register(LossRegistry registry) => registry
        .Add("fitnet", Each("projector", (_, student, teacher) => FitnetLoss.Compute(student, teacher)))
        .Add("attention", (options, inputs) =>
        {
            var (p, variant) = (options.Number("p", 2, 0, aboveMin: true), options.Choice("variant", AttentionLoss.Code, AttentionLoss.Paper));
            return Sum(inputs, (_, student, teacher) => AttentionLoss.Compute(student, teacher, p, variant));
        })
        .Add("similarity", Each(null, (_, student, teacher) => SimilarityLoss.Compute(student, teacher)))
        .Add("nst", Each(null, (_, student, teacher) => NeuronSelectivityLoss.Compute(student, teacher)))
        .Add("fsp", (options, inputs) =>
        {
            options.Choice("projector", "none", "auto");
            var (student, teacher) = Lists(inputs);
            return FlowLoss.Compute(student, teacher);
        })
        .Add("activation_boundary", (options, inputs) =>
        {
            options.Choice("projector", "none", "auto");
            var (student, teacher) = Lists(inputs);
            return ActivationBoundaryLoss.Compute(student, teacher, options.Number("margin", 1));
        })
        .Add("factor_transfer", (options, inputs) =>
        {
            options.Choice("paraphraser", "none");
            var (p1, p2) = (options.Number("p1", 2, 0, aboveMin: true), options.Number("p2", 1, 0, aboveMin: true));
            var variant = options.Choice("variant", FactorTransferLoss.Code, FactorTransferLoss.Paper);
            return Sum(inputs, (_, student, teacher) => FactorTransferLoss.Compute(student, teacher, p1, p2, variant));
        })
        .Add("overhaul", (options, inputs) =>
        {
            options.Choice("projector", "none", "auto");
            // Recipes say `margins`: one a stage, or one for all.
            var margins = options.Numbers("margins", options.Numbers("margin", []));
            var halves = options.Choice("stage_weights", "equal", "halving") == "halving";
            var stages = inputs.Features().Count;
            return Sum(inputs, (stage, student, teacher) =>
                OverhaulLoss.Compute(student, teacher, Margin(inputs, stage, margins)) * (halves ? Math.Pow(2, stage + 1 - stages) : 1));
        })
        .Add("review", Each("fusion", (_, student, teacher) => HierarchicalContextLoss.Compute(student, teacher)))
        .Add("inter_channel_correlation", Each("projector", (_, student, teacher) => InterChannelCorrelationLoss.Compute(student, teacher)));

    private static GoldenLoss Each(string? switchedOff, Func<int, Tensor, Tensor, Tensor> loss) => (options, inputs) =>
    {
        if (switchedOff is not null)
        {
            options.Choice(switchedOff, "none", "auto");
        }

        return Sum(inputs, loss);
    };

    private static Tensor Margin(GoldenInputs inputs, int stage, IReadOnlyList<double> given) => inputs.Optional($"margin.{stage}") ?? given.Count switch
    {
        0 => inputs.Required("margin"),
        1 => tensor(given[0]),
        _ => stage < given.Count ? tensor(given[stage]) : throw new GoldenFormatException($"option `margins` has {given.Count} values and none for stage {stage}; give one a stage, or one for all"),
    };

    private static Tensor Sum(GoldenInputs inputs, Func<int, Tensor, Tensor, Tensor> loss) => inputs.Features()
        .Select((stage, i) => loss(i, stage.Student, stage.Teacher))
        .Aggregate((sum, next) => sum + next);

    private static (IReadOnlyList<Tensor> Student, IReadOnlyList<Tensor> Teacher) Lists(GoldenInputs inputs)
    {
        var stages = inputs.Features();
        return ([.. stages.Select(stage => stage.Student)], [.. stages.Select(stage => stage.Teacher)]);
    }
}
