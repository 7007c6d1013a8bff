using System.Globalization;
using System.Text.RegularExpressions;
using DistillSharp.Config;
using DistillSharp.Losses.Logits;
using DistillSharp.Losses.Relations;
using DistillSharp.Losses.Sequences;
using DistillSharp.Methods;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Docs;

/// <summary>docs/methods: one page a method, the same headings, every option, and an example whose result is what the code computes.</summary>
public sealed partial class MethodPageTests
{
    private static readonly string[] Headings = ["What it does", "Formula", "Options", "Variant", "Requirements", "Worked example", "Paper"];
    private static readonly double[] Labels = [0, 1];

    private static readonly Dictionary<string, Func<Tensor>> Examples = new()
    {
        ["soft_target"] = () => SoftTargetLoss.Compute(Student, Teacher, 2).Mean,
        ["logit_matching"] = () => LogitMatchingLoss.Compute(Student, Teacher).Mean,
        ["dkd"] = () => DecoupledLoss.Compute(Student, Teacher, HardLabels, 1, 8, 1).Mean,
        ["nkd"] = () => NormalizedLoss.Compute(Student, Teacher, HardLabels, 1.5, 1).Mean,
        ["dist"] = () => CorrelationLoss.Compute(Rows(2, 1, 0, 0, 1, 1, 1, 0, 2), Rows(3, 2, 0, 1, 3, 0, 0, 1, 3), 1, 1, 1).Mean,
        ["logit_standardization"] = () => SoftTargetLoss.Compute(StandardizedLogits.Of(Student), StandardizedLogits.Of(Teacher), 2).Mean,
        ["weighted_soft_labels"] = () => WeightedSoftLabelsLoss.Compute(Student, Teacher, HardLabels, 4).Mean,
        ["generalized_jsd"] = () => GeneralizedDivergence.JensenShannon(Student, Teacher, 0.5, 1).mean(),
        ["skewed_kl"] = () => GeneralizedDivergence.Skewed(Student, Teacher, 0.1, false, 1).mean(),
        ["total_variation"] = () => GeneralizedDivergence.TotalVariation(Student, Teacher, 1).mean(),
        ["virtual_teacher"] = () => VirtualTeacherLoss.Compute(Student, HardLabels, 0.99, 20, false).Mean,
        ["multi_level_logits"] = () => MultiLevelLoss.Compute(Student, Teacher, [1], 1, 1, 1).Mean,
        ["rkd"] = () => RelationalLoss.Compute(tensor([0.0, 0, 1, 0, 0, 1], [3, 2]), tensor([0.0, 0, 2, 0, 0, 1], [3, 2]), 1, 1).Mean,
        ["pkt"] = () => ProbabilisticTransferLoss.Compute(Rows(2, 1, 0, 0, 1, 1, 1, 0, 2), Rows(3, 2, 0, 1, 3, 0, 0, 1, 3)).Mean,
        ["correlation_congruence"] = () => CorrelationCongruenceLoss.Neighbours(Student, Teacher).Mean,
        ["crd"] = () => ContrastiveLoss.NoiseContrastive(Rows(1, 0.5, 0.25), 10).mean(),
        ["sskd"] = () => SelfSupervisionLoss.Transfer(full([6, 2], 0.5, ScalarType.Float64), tensor(new[] { 1, 0, 0, 1, 0.5, 0, 0, 0.5, 0, 0.5, 0.5, 0 }, [6, 2]), 0.5, 0.75),
        ["token_soft_target"] = () => TokenLoss.SoftTarget(Padded(Student), Padded(Teacher), PaddingMask, 2).Mean,
        ["token_jsd"] = () => TokenLoss.JensenShannon(Padded(Student), Padded(Teacher), PaddingMask, 0.5, 1).Mean,
        ["hidden_states"] = () => HiddenStateLoss.Cosine(Student.unsqueeze(0), Teacher.unsqueeze(0)).mean(),
        ["attention_maps"] = () => HiddenStateLoss.AttentionSquare(tensor([2.0, 1, 0, 1], [1, 1, 2, 2]), tensor([3.0, 2, 1, 3], [1, 1, 2, 2]), null).mean(),
        ["attention_relations"] = () => HiddenStateLoss.Relations(Student.unsqueeze(0), Rows(3, 2, 0, 0, 3, 1).unsqueeze(0), null, 1).mean(),
    };

    public static TheoryData<string> ExampleNames => [.. Examples.Keys];

    public static TheoryData<string> WrittenPages =>
        [.. MethodCatalog.Default().Entries.Select(entry => entry.Name).Where(name => Examples.ContainsKey(name) || File.Exists(PathOf(name)))];

    private static Tensor Student => Rows(2, 1, 0, 0, 1, 1);

    private static Tensor Teacher => Rows(3, 2, 0, 1, 3, 0);

    private static Tensor HardLabels => tensor(Labels).to(ScalarType.Int64);

    private static Tensor PaddingMask => tensor([1.0, 1, 0], [1, 3]);

    [Theory]
    [MemberData(nameof(ExampleNames))]
    public void WorkedExample_Loss_IsWhatTheCodeComputes(string name)
    {
        using var scope = NewDisposeScope();
        var stated = double.Parse(StatedLoss().Match(File.ReadAllText(PathOf(name))).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal(stated, Examples[name]().item<double>(), 6e-6);
    }

    [Theory]
    [MemberData(nameof(WrittenPages))]
    public void Page_HasItsHeadingsAndEveryOption(string name)
    {
        var text = File.ReadAllText(PathOf(name));
        Assert.StartsWith($"# `{name}`", text, StringComparison.Ordinal);
        Assert.Equal(Headings, Heading().Matches(text).Select(match => match.Groups[1].Value));
        Assert.All(ConfigBinder.OptionsOf(MethodCatalog.Default().Find(name)!.OptionsType).Keys, key => Assert.Contains($"`{key}`", text, StringComparison.Ordinal));
    }

    private static Tensor Rows(params double[] values) => tensor(values, [values.Length / 3, 3]);

    private static Tensor Padded(Tensor rows) => cat([rows, full([1, 3], 9, ScalarType.Float64)], 0).unsqueeze(0);

    private static string PathOf(string name) => Repository.File("docs", "methods", name + ".md");

    [GeneratedRegex(@"\*\*Loss = (-?[0-9.]+)\*\*")]
    private static partial Regex StatedLoss();

    [GeneratedRegex("^## (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
