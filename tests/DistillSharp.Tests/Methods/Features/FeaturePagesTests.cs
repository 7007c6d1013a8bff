using System.Globalization;
using System.Text.RegularExpressions;
using DistillSharp.Config;
using DistillSharp.Losses.Features;
using DistillSharp.Methods;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Methods.Features;

/// <summary>The pages of feature methods: their worked examples, worked without this library, and their options.</summary>
public sealed partial class FeaturePagesTests
{
    private static readonly double[] Student = [1, 0, 2, 0, 1, 1];
    private static readonly double[] Teacher = [2, 0, 0, 1, 1, 0];
    private static readonly double[] StudentSigned = [0, -1, 1, -1, 0, 0];
    private static readonly double[] TeacherSigned = [1, -1, -1, 0, 0, -1];

    private static readonly Dictionary<string, Func<Tensor>> Examples = new()
    {
        ["fitnet"] = () => FitnetLoss.Compute(Maps(Student), Maps(Teacher)),
        ["attention"] = () => AttentionLoss.Compute(Maps(Student), Maps(Teacher)),
        ["similarity"] = () => SimilarityLoss.Compute(Rows(Student), Rows(Teacher)),
        ["nst"] = () => NeuronSelectivityLoss.Compute(Maps(Student), Maps(Teacher)),
        ["fsp"] = () => FlowLoss.Compute([Maps(Student), Maps(Student)], [Maps(Teacher), Maps(Teacher)]),
        ["activation_boundary"] = () => ActivationBoundaryLoss.Compute([Maps(StudentSigned)], [Maps(TeacherSigned)]),
        ["factor_transfer"] = () => FactorTransferLoss.Compute(Maps(Student), Maps(Teacher)),
        ["overhaul"] = () => OverhaulLoss.Compute(Maps(StudentSigned), Maps(TeacherSigned), tensor(-0.5)),
        ["review"] = () => HierarchicalContextLoss.Compute(Maps(Student).view(1, 1, 2, 3), Maps(Teacher).view(1, 1, 2, 3)),
        ["inter_channel_correlation"] = () => InterChannelCorrelationLoss.Compute(Maps(Student), Maps(Teacher)),
        ["vid"] = () => VariationalInformationLoss.Compute(Maps(Student), Maps(Teacher), tensor(new double[] { 1, 2 })),
        ["kdsvd"] = () => SingularVectorLoss.Compute([Maps(Student), Maps(Student)], [Maps(Teacher), Maps(Teacher)]),
        ["channel_wise"] = () => ChannelWiseLoss.Compute(Maps(Student), Maps(Teacher), 1),
        ["masked_generative"] = () => MaskedGenerativeLoss.Compute(Maps(Student), Maps(Teacher)),
        ["class_attention_transfer"] = () => ClassActivationLoss.Compute(Maps(Student), Maps(Teacher), 1, normalize: false),
        ["projector_recipe"] = () => ProjectorRecipeLoss.Compute(Rows(Student), Rows(Teacher)),
        ["prime_aware"] = () => PrimeAwareLoss.Compute(Rows(Student), Rows(Teacher), tensor(new[] { 0, Math.Log(2) }).unsqueeze(1)),
        ["embedding_regression"] = () => EmbeddingRegressionLoss.Compute(Rows(Student), Rows(Teacher)),
        ["simkd"] = () => FitnetLoss.Compute(Maps(Student), Maps(Teacher)),
    };

    public static TheoryData<string> Names => [.. MethodCatalog.Default().Entries
        .Where(entry => entry.OptionsType.Namespace == "DistillSharp.Methods.Features").Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void WorkedExample_OfThePage_EqualsTheLoss(string name)
    {
        using var scope = NewDisposeScope();
        var written = double.Parse(Result().Match(Page(name)).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal(written, Examples[name]().item<double>(), 1e-6);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Page_HasTheSameHeadingsAndEveryOption(string name)
    {
        var page = Page(name);
        Assert.Equal(
            ["What it does", "Formula", "Options", "Variant", "Requirements", "Worked example", "Paper"],
            page.Split('\n').Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => line[3..].TrimEnd()));
        var options = ConfigBinder.OptionsOf(MethodCatalog.Default().Find(name)!.OptionsType).Keys.Order();
        Assert.Equal(options, Row().Matches(page).Select(match => match.Groups[1].Value).Order());
    }

    private static Tensor Maps(double[] values) => tensor(values, [1, 2, 1, 3]);

    private static Tensor Rows(double[] values) => tensor(values, [2, 3]);

    private static string Page(string name) => File.ReadAllText(Repository.File("docs", "methods", $"{name}.md"));

    [GeneratedRegex(@"^Loss: \*\*(.+)\*\*", RegexOptions.Multiline)]
    private static partial Regex Result();

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
