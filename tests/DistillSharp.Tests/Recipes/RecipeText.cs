using DistillSharp.Config;
using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

/// <summary>Recipes as text, and their faults.</summary>
internal static class RecipeText
{
    public const string Start =
        """
        data: {dataset: digits}
        teacher: {model: mlp, widths: [64]}
        student: {model: small_cnn, channels: [4, 4]}
        training: {epochs: 3}

        """;

    public const string Plain = Start + "objective: {hard_labels: 0.1, terms: [{method: soft_target, temperature: 4, weight: 0.9}]}\n";

    public static RecipeReading Read(string text, params string[] overrides) => RecipeReader.Read(text, "test", Path.GetTempPath(), overrides);

    public static IReadOnlyList<ConfigError> Faults(string text, params string[] overrides) =>
        Assert.Throws<ConfigException>(() => Read(text, overrides)).Errors;

    public static ConfigError OnlyFault(string text, params string[] overrides) => Assert.Single(Faults(text, overrides));
}
