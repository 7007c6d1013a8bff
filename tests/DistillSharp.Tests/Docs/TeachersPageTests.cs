using System.Globalization;
using System.Text.RegularExpressions;
using DistillSharp.Config;
using DistillSharp.Recipes;
using DistillSharp.Teachers;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Docs;

/// <summary>docs/teachers.md: every option and combination, a valid recipe, and an example whose results are what the code computes.</summary>
public sealed partial class TeachersPageTests
{
    private const string Data = "data: {dataset: digits, validation: 0.2}";

    private readonly string _text = Documents.Read("docs", "teachers.md");

    [Fact]
    public void Page_NamesEveryOptionAndCombination()
    {
        Assert.All(ConfigBinder.OptionsOf(typeof(CombinerOptions)).Keys, key => Assert.Contains($"| `{key}` |", _text, StringComparison.Ordinal));
        var shared = ConfigBinder.OptionsOf(typeof(TeacherSourceOptions)).Keys;
        Assert.All(shared, key => Assert.Contains($"`{key}`", Documents.Between(_text, "# A teacher from elsewhere", "\n# "), StringComparison.Ordinal));
        Assert.All([.. TeacherKinds.All, TeacherKinds.Network], kind => Assert.All(
            ConfigBinder.OptionsOf(kind.OptionsType).Keys.Except(shared),
            key => Assert.Contains($"`{key}`", Documents.Between(_text, $"# A teacher that is {kind.Title}\n", "\n# "), StringComparison.Ordinal)));
        Assert.All(Enum.GetNames<Combination>(), name => Assert.Contains($"- `{ConfigBinder.SnakeCase(name)}`:", _text, StringComparison.Ordinal));
    }

    [Fact]
    public void Recipe_IsValid() =>
        Assert.Equal(3, RecipeReader.Read(Data + "\n" + Documents.Between(_text, "```yaml\n" + Data, "```"), "example", Documents.Root).Recipe.Teachers!.Members.Count);

    [Fact]
    public void WorkedExample_Logits_AreWhatTheCodeComputes()
    {
        using var scope = NewDisposeScope();
        var logits = tensor([2.0, 1, 0, 0, 1, 2], [2, 1, 3]);
        var computed = new[] { Combiner.MeanProbabilities(logits, 2), Combiner.ConfidenceWeighted(logits, tensor([0L]), 2) };
        var stated = Stated().Matches(_text).Select(match => match.Groups[1].Value.Split(", ").Select(value => double.Parse(value, CultureInfo.InvariantCulture)).ToArray()).ToList();
        Assert.Equal(computed.Length, stated.Count);
        Assert.All(stated.Zip(computed), pair => Assert.Equal(pair.First, pair.Second.data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 6e-6));
    }

    [GeneratedRegex(@"\*\*\((-[0-9., -]+)\)\*\*")]
    private static partial Regex Stated();
}
