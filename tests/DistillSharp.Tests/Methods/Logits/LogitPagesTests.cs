using System.Globalization;
using System.Text.RegularExpressions;
using DistillSharp.Losses;
using DistillSharp.Losses.Logits;
using DistillSharp.Losses.Relations;
using DistillSharp.Losses.Sequences;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Logits;

/// <summary>The worked examples of the pages of logits, relations and tokens, which were worked without this library.</summary>
public sealed partial class LogitPagesTests
{
    private static readonly Dictionary<string, Func<Tensor, Tensor, Tensor, LossTerm>> Examples = new()
    {
        ["soft_target"] = (s, t, _) => SoftTargetLoss.Compute(s, t, 4),
        ["logit_matching"] = (s, t, _) => LogitMatchingLoss.Compute(s, t),
        ["dkd"] = (s, t, y) => DecoupledLoss.Compute(s, t, y, 1, 8, 4),
        ["nkd"] = (s, t, y) => NormalizedLoss.Compute(s, t, y, 1.5, 1),
        ["dist"] = (s, t, _) => CorrelationLoss.Compute(s, t, 1, 1, 1),
        ["logit_standardization"] = (s, t, _) => SoftTargetLoss.Compute(StandardizedLogits.Of(s), StandardizedLogits.Of(t), 2),
        ["weighted_soft_labels"] = (s, t, y) => WeightedSoftLabelsLoss.Compute(s, t, y, 4),
        ["generalized_jsd"] = (s, t, _) => GeneralizedDivergence.AsTerm(GeneralizedDivergence.JensenShannon(s, t, 0.5, 1)),
        ["skewed_kl"] = (s, t, _) => GeneralizedDivergence.AsTerm(GeneralizedDivergence.Skewed(s, t, 0.1, false, 1)),
        ["total_variation"] = (s, t, _) => GeneralizedDivergence.AsTerm(GeneralizedDivergence.TotalVariation(s, t, 1)),
        ["virtual_teacher"] = (s, _, y) => VirtualTeacherLoss.Compute(s, y, 0.99, 20, softenStudent: false),
        ["multi_level_logits"] = (s, t, _) => MultiLevelLoss.Compute(s, t, [2, 3, 4, 5, 6], 1, 1, 1),
        ["rkd"] = (s, t, _) => RelationalLoss.Compute(s, t, 25, 50),
        ["pkt"] = (s, t, _) => ProbabilisticTransferLoss.Compute(s, t),
        ["correlation_congruence"] = (s, t, _) => CorrelationCongruenceLoss.Neighbours(s, t),
        ["crd"] = (_, _, _) => new LossTerm(ContrastiveLoss.NoiseContrastive(tensor(new[] { 2, 0.5, 1 }).unsqueeze(0), 10).sum(), 1),
        ["hidden_states"] = (s, t, _) => HiddenStateLoss.OverPositions(HiddenStateLoss.MeanSquare(s.unsqueeze(0), t.unsqueeze(0)), null),
        ["attention_maps"] = (s, t, _) => HiddenStateLoss.OverPositions(HiddenStateLoss.AttentionSquare(s.view(1, 1, 3, 3), t.view(1, 1, 3, 3), null), null),
        ["attention_relations"] = (s, t, _) => HiddenStateLoss.OverPositions(HiddenStateLoss.Relations(s.unsqueeze(0), t.unsqueeze(0), null, 1), null),
        ["token_soft_target"] = (s, t, _) => TokenLoss.SoftTarget(s.unsqueeze(0), t.unsqueeze(0), null, 1),
        ["token_jsd"] = (s, t, _) => TokenLoss.JensenShannon(s.unsqueeze(0), t.unsqueeze(0), null, 0.5, 1),
    };

    public static TheoryData<string> Names => [.. Examples.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void WorkedExample_OfThePage_EqualsTheLoss(string name)
    {
        using var scope = NewDisposeScope();
        var student = tensor(new double[] { 2, 0, -1, 0, 1, 0, -1, 0, 1 }).reshape(3, 3);
        var teacher = tensor(new double[] { 4, 0, -1, 0, 2, 1, -2, 0, 2 }).reshape(3, 3);
        var term = Examples[name](student, teacher, tensor(new long[] { 0, 1, 2 }));
        var written = double.Parse(Result().Match(Documents.Read("docs", "methods", name + ".md")).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal(written, term.Mean.item<double>(), 1e-6);
    }

    [GeneratedRegex(@"Loss: \*\*([0-9.]+)\*\*")]
    private static partial Regex Result();
}
