using DistillSharp.Losses.Logits;

namespace DistillSharp.Losses.Golden;

/// <summary>Losses of logits.</summary>
internal static class LogitLosses
{
    /// <summary>Adds them.</summary>
    public static void Register(LossRegistry registry) => registry
        .Add("soft_target", (options, inputs) =>
        {
            options.Choice("hard", "false");
            return (options.Choice("outputs", "classes", "sigmoid", "regression"), options.Temperature(4), inputs.Logits()) switch
            {
                ("sigmoid", var temperature, var (student, teacher)) => SoftTargetLoss.Sigmoid(student, teacher, temperature).Mean,
                ("regression", _, var (student, teacher)) => SoftTargetLoss.Regression(student, teacher).Mean,
                (_, var temperature, var (student, teacher)) => SoftTargetLoss.Compute(student, teacher, temperature).Mean,
            };
        })
        .Add("logit_matching", (_, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return LogitMatchingLoss.Compute(student, teacher).Mean;
        })
        .Add("dkd", (options, inputs) =>
        {
            options.Choice("unlabelled", "left_out");
            var (student, teacher) = inputs.Logits();
            return DecoupledLoss.Compute(
                student, teacher, inputs.Labels(student), options.Number("alpha", 1), options.Number("beta", 8), options.Temperature(4)).Mean;
        })
        .Add("nkd", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return NormalizedLoss.Compute(student, teacher, inputs.Labels(student), options.Number("gamma", 1.5), options.Temperature(1)).Mean;
        })
        .Add("dist", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return CorrelationLoss.Compute(student, teacher, options.Number("beta", 1), options.Number("gamma", 1), options.Temperature(1)).Mean;
        })
        .Add("logit_standardization", (options, inputs) =>
        {
            options.Choice("wraps", "soft_target");
            var (student, teacher) = inputs.Logits();
            return SoftTargetLoss.Compute(StandardizedLogits.Of(student), StandardizedLogits.Of(teacher), options.Temperature(2)).Mean;
        })
        .Add("weighted_soft_labels", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return WeightedSoftLabelsLoss.Compute(student, teacher, inputs.Labels(student), options.Temperature(4)).Mean;
        })
        .Add("generalized_jsd", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits(0);
            var rows = GeneralizedDivergence.JensenShannon(student, teacher, options.Number("beta", 0.5, 0, 1), options.Temperature(1));
            var valid = inputs.Mask(student).reshape(-1);
            return (rows * valid).sum() / valid.sum();
        })
        .Add("skewed_kl", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return GeneralizedDivergence.Skewed(
                student, teacher, options.Number("alpha", 0.1, 0, 1), options.Choice("direction", "forward", "reverse") == "reverse", options.Temperature(1)).mean();
        })
        .Add("total_variation", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return GeneralizedDivergence.TotalVariation(student, teacher, options.Temperature(1)).mean();
        })
        .Add("virtual_teacher", (options, inputs) =>
        {
            var student = inputs.Required("student.logits", 2);
            return VirtualTeacherLoss.Compute(
                student, inputs.Labels(student), options.Number("correct_probability", 0.99, 0, 1), options.Temperature(20),
                options.Choice("variant", "code", "paper") == "paper").Mean;
        })
        .Add("multi_level_logits", (options, inputs) =>
        {
            var (student, teacher) = inputs.Logits();
            return MultiLevelLoss.Compute(
                student, teacher, options.Numbers("temperatures", [2, 3, 4, 5, 6]), options.Number("instance_weight", 1),
                options.Number("batch_weight", 1), options.Number("class_weight", 1)).Mean;
        });
}
