using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

public sealed class RecipeKeysTests
{
    [Theory]
    [InlineData("data.speech_augment", "frequency_masks")]
    [InlineData("targets of an objective", "left_out_sources")]
    [InlineData("targets of an objective", "max_wer")]
    [InlineData("from_layers of an objective", "decoder")]
    [InlineData("evaluation.language_model", "bonuses")]
    public void ToMarkdown_MapBelowAKey_HasASectionOfItsKeys(string heading, string key) =>
        Assert.Contains($"| `{key}` |", Section(heading), StringComparison.Ordinal);

    [Theory]
    [InlineData("targets")]
    [InlineData("from_layers")]
    [InlineData("student")]
    public void ToMarkdown_Objective_NamesItsMaps(string key) => Assert.Contains($"`{key}`", Section("objective, and each of its stages"), StringComparison.Ordinal);

    private static string Section(string heading) =>
        RecipeKeys.ToMarkdown(Catalogs.Default()).Split("### ").Single(section => section.StartsWith(heading + "\n", StringComparison.Ordinal));
}
