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
}
