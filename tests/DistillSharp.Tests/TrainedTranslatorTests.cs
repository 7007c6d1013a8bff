using DistillSharp.Recipes;

namespace DistillSharp.Tests;

[Collection(nameof(TorchGenerator))]
public sealed class TrainedTranslatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_NameOfTheExportedArm_IsTheExportedStudent()
    {
        var (recipe, directory) = UntrainedTranslation.Write(_folder.File("run"));
        var name = Arms.Exported(recipe);

        TrainedTranslator.Load(directory, recipe, name, null, onnx: false).Dispose();

        // Only the exported file is there.
        Assert.Throws<FileNotFoundException>(() => TrainedTranslator.Load(directory, recipe, name, 0, onnx: false));
        Assert.Throws<FileNotFoundException>(() => TrainedTranslator.Load(directory, recipe, "plain", null, onnx: false));
    }

    [Fact]
    public void MostWords_PairsOfFewWords_IsTheirMaximum()
    {
        var (recipe, directory) = UntrainedTranslation.Write(_folder.File("run"));

        using var translator = TrainedTranslator.Load(directory, recipe, null, null, onnx: false);

        Assert.Equal(UntrainedTranslation.MostWords, translator.MostWords);
    }
}
