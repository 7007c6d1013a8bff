using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DistillSharp.Config;
using DistillSharp.Losses.Logits;
using DistillSharp.Recipes;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Docs;

/// <summary>docs/schemes: the same headings, every option, a valid recipe, and an example whose result is what the code computes.</summary>
public sealed partial class SchemePageTests
{
    private static readonly string[] Headings =
        ["What it does", "Formula", "Options", "Variant", "Requirements", "Worked example", "Recipe", "Paper"];

    private static readonly long[] Labels = [0, 1];

    private static readonly Dictionary<string, Func<Tensor>> Examples = new()
    {
        ["offline"] = () => (HardLabels.CrossEntropy(First, SampleLabels).Mean * 0.1) + (SoftTargetLoss.Compute(First, Second, 4).Mean * 0.9),
        ["self_distillation"] = () =>
        {
            var hint = (tensor([1.0, 0, 0, 1], [2, 2]) - tensor([1.0, 1, 0, 1], [2, 2])).square().mean();
            return (HardLabels.CrossEntropy(First, SampleLabels).Mean * 0.7) + (SoftTargetLoss.Compute(First, Second, 3).Mean * 0.3) + (hint * 0.03);
        },
        ["teacher_assistant"] = () => SoftTargetLoss.Compute(First, Second, 2).Mean,
        ["born_again"] = () => SoftTargetLoss.Compute(First, Second, 1).Mean,
        ["mutual_learning"] = () => MutualLearningTask.FromPeers([First, Second], 0, 1).Mean,
        ["class_wise_self"] = () => ClassWiseSelfTask.FromPartner(First, Second, SampleLabels, 4).Mean,
        ["dot"] = TwoStepsOfDot,
        ["last_batch_self"] = () => SoftTargetLoss.Compute(First, Second, 3).Mean,
        ["progressive_self"] = () =>
        {
            var alpha = ProgressiveSelfTask.WeightAt(0.8, new Progress(4, 10));
            var refined = ProgressiveSelfTask.SoftCrossEntropy(First, nn.functional.softmax(Second, -1), SampleLabels).Mean;
            return (HardLabels.CrossEntropy(First, SampleLabels).Mean * (1 - alpha)) + (refined * alpha);
        },
    };

    public static TheoryData<string> Names => [.. SchemeCatalog.Entries.Select(entry => entry.Name)];

    private static Tensor First => tensor([2.0, 1, 0, 0, 1, 1], [2, 3]);

    private static Tensor Second => tensor([3.0, 2, 0, 1, 3, 0], [2, 3]);

    private static Tensor SampleLabels => tensor(Labels);

    [Fact]
    public void Index_Table_EqualsTheCatalog()
    {
        var text = new StringBuilder("| scheme | what teaches | paper |\n|---|---|---|\n");
        foreach (var entry in SchemeCatalog.Entries)
        {
            text.Append(CultureInfo.InvariantCulture, $"| [{entry.Name}]({entry.Name}.md) | {entry.Summary} | {entry.Paper} |\n");
        }

        Documents.AssertGenerated("docs/schemes/README.md", "<!-- schemes: generated -->", "<!-- schemes: end -->", text.ToString());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void WorkedExample_Loss_IsWhatTheCodeComputes(string name)
    {
        using var scope = NewDisposeScope();
        var stated = double.Parse(StatedLoss().Match(File.ReadAllText(PathOf(name))).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal(stated, Examples[name]().item<double>(), 6e-6);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Page_HasItsHeadingsEveryOptionAndAValidRecipe(string name)
    {
        var text = Documents.Read("docs", "schemes", name + ".md");
        Assert.StartsWith($"# `{name}`", text, StringComparison.Ordinal);
        Assert.Equal(Headings, Heading().Matches(text).Select(match => match.Groups[1].Value));
        var entry = SchemeCatalog.Entries.Single(each => each.Name == name);
        Assert.All(ConfigBinder.OptionsOf(entry.OptionsType).Keys, key => Assert.Contains($"| `{key}` |", text, StringComparison.Ordinal));
        var recipe = Documents.Between(text, "```yaml", "```");
        Assert.Equal(name, Assert.Single(RecipeReader.Read(recipe, "example", Documents.Root).Recipe.Objectives.Values).Scheme.Entry.Name);
    }

    private static Tensor TwoStepsOfDot()
    {
        var weight = new TorchSharp.Modules.Parameter(ones([1]));
        using var optimizer = new Optimizer([("student.weight", weight)], new TrainingOptions { Momentum = 0.9, Nesterov = false, WeightDecay = 0 }, 0.05);
        for (var step = 0; step < 2; step++)
        {
            optimizer.CollectDistillation(true);
            (weight * 2).sum().backward();
            optimizer.CollectDistillation(false);
            weight.sum().backward();
            optimizer.Step(0.1);
        }

        return weight.detach().to(ScalarType.Float64).sum();
    }

    private static string PathOf(string name) => Documents.PathOf("docs", "schemes", name + ".md");

    [GeneratedRegex(@"\*\*(?:Loss|Weight) = (-?[0-9.]+)\*\*")]
    private static partial Regex StatedLoss();

    [GeneratedRegex("^## (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
