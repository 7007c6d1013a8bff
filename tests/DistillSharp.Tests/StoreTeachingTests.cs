using DistillSharp.Recipes;
using DistillSharp.Tests.Vision.Images;

namespace DistillSharp.Tests;

/// <summary>What is said while a store is filled ahead of a run.</summary>
[Collection(nameof(ChainRuns))]
public sealed class StoreTeachingTests
{
    [Fact]
    public void Fill_ImagesThatAreLeftOut_WarnsOfThem()
    {
        using var folder = new TemporaryFolder();
        ImageMaker.Classes(folder.File("images/train"), 2, 12);
        ImageMaker.Classes(folder.File("images/test"), 2, 2);
        File.WriteAllText(folder.File("images/train/n01/n01_3.JPEG"), "torn");
        var recipe = RecipeReader.Read(
            """
            data: {dataset: image_folder, folder: images, size: 8, corrupt: skip}
            teacher: {model: mlp, widths: [8], store: {path: store}}
            student: {model: mlp, widths: [4]}
            objective: {terms: [{method: soft_target}]}
            """, "images", folder.Path).Recipe;
        var notes = new List<string>();

        // The teacher is not trained yet; the data is read before that is seen.
        Assert.Throws<InvalidOperationException>(
            () => new StoreTeaching(recipe, null, null).Fill(new TeachRange(), new Progress<TeachProgress>(), notes.Add, TestContext.Current.CancellationToken));

        Assert.StartsWith(StoreTeaching.Warning + "image_folder: 1 of 24 training images", Assert.Single(notes), StringComparison.Ordinal);
    }
}
