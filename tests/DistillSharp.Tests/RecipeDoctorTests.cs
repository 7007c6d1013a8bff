using DistillSharp.Doctor;
using DistillSharp.Recipes;
using DistillSharp.Tests.Vision.Images;

namespace DistillSharp.Tests;

/// <summary>What the doctor says of the data beside its checks.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class RecipeDoctorTests
{
    [Fact]
    public void Examine_ImagesThatAreLeftOut_AreANote()
    {
        using var folder = new TemporaryFolder();
        ImageMaker.Classes(folder.File("images/train"), 2, 12);
        ImageMaker.Classes(folder.File("images/test"), 2, 2);
        File.WriteAllText(folder.File("images/train/n01/n01_3.JPEG"), "torn");
        var recipe = RecipeReader.Read(
            """
            data: {dataset: image_folder, folder: images, size: 8, corrupt: skip, validation: 0.2}
            teacher: {model: mlp, widths: [8]}
            student: {model: mlp, widths: [4]}
            objective: {terms: [{method: soft_target}]}
            training: {epochs: 1, batch_size: 8}
            seeds: [0]
            """, "images", folder.Path).Recipe;

        var finding = Assert.Single(RecipeDoctor.Examine(recipe).Findings, finding => finding.Check == "data");

        Assert.Equal((FindingSeverity.Note, "data"), (finding.Severity, finding.Where));
        Assert.Contains("1 of 24 training images", finding.What, StringComparison.Ordinal);
        Assert.Contains("n01_3.JPEG", finding.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("targets: {beam: 1}, from_layers: {encoder: [1], decoder: [1]}")]
    [InlineData("terms: [{method: token_soft_target}]")]
    public void Examine_StudentTaughtByOneThatStartsFromLayers_IsNoFaultBeforeThereAreAny(string second)
    {
        var recipe = RecipeReader.Read(
            $$"""
            data: {dataset: toy_phrases, pairs: 200, vocabulary: 520, validation_pairs: 5, test_pairs: 5}
            teacher: {model: transformer, width: 8, heads: 2, encoder_layers: 2, decoder_layers: 1}
            student: {model: transformer, width: 8, heads: 2, encoder_layers: 1, decoder_layers: 1}
            objectives:
              first: {targets: {beam: 1}, from_layers: {encoder: [2], decoder: [1]} }
              second: {taught_by: first, {{second}} }
            training: {epochs: 1, batch_tokens: 200, optimizer: adam, nesterov: false, learning_rate: 0.003}
            seeds: [0]
            """, "toy", Path.GetTempPath()).Recipe;

        Assert.DoesNotContain(RecipeDoctor.Examine(recipe).Findings, finding => finding.Severity == FindingSeverity.Fault);
    }
}
