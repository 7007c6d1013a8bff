using DistillSharp.Data;
using DistillSharp.Doctor;
using DistillSharp.Recipes;

namespace DistillSharp.Tests.Doctor;

/// <summary>The repository's recipes are sound.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class RecipesTests
{
    // Of the smoke recipes, which differ in the objective alone, those whose objectives differ most. `distill doctor` on each of the
    // others takes a few seconds.
    private static readonly string[] Recipes =
    [
        "quickstart.yaml", "vision/mnist/mlp800_from_mlp1200_soft_target.yaml", "vision/fashion-mnist/mlp32_from_cnn_soft_target.yaml",
        "vision/fashion-mnist/mlp32_born_again.yaml", "smoke/fitnet.yaml",
    ];

    public static TheoryData<string> WithData => new(Recipes.Where(HasData));

    [Theory]
    [MemberData(nameof(WithData))]
    public void Examine_RecipeOfTheRepository_GivesNoWarning(string recipe)
    {
        var report = RecipeDoctor.Examine(RecipeReader.ReadFile(Repository.File("recipes", recipe)).Recipe);

        Assert.All(report.Findings, finding => Assert.True(finding.Severity == FindingSeverity.Note, finding.ToString()));
    }

    private static bool HasData(string recipe)
    {
        var dataset = RecipeReader.ReadFile(Repository.File("recipes", recipe)).Recipe.Dataset;
        try
        {
            dataset.Entry.Load(dataset.Options, new DataLocator(null));
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }
}
