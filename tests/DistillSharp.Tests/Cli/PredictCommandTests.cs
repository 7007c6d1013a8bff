using DistillSharp.Cli;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Tests.Recipes;
using SkiaSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Cli;

/// <summary>Which file of a run classifies images, told by the names of its classes.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class PredictCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "float")]
    [InlineData(", quantise: int8", "integer")]
    public void Predict_Run_TakesTheFileThatTheRunMeasuredAndKeepsNoTelemetry(string quantise, string expected)
    {
        WriteRecipe(quantise);
        Export("student.onnx", "float");
        Export("student.int8.onnx", "integer");
        var home = Directory.CreateDirectory(_folder.File("home")).FullName;

        var result = DistillProcess.RunWith(
            new() { ["HOME"] = home, ["XDG_CACHE_HOME"] = Path.Combine(home, ".cache") }, null, "predict", "--model", _folder.Path, "--top", "1", Image());

        Assert.True(result.ExitCode == ExitCode.Fine, result.Error);
        Assert.Contains($"image.png: {expected} ", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
        Assert.Empty(Directory.EnumerateFiles(home, "onnxruntime.db", SearchOption.AllDirectories));
    }

    [Fact]
    public void Predict_RunOfIntegersWithoutTheirFile_SaysSo()
    {
        WriteRecipe(", quantise: int8");
        Export("student.onnx", "float");

        var result = DistillProcess.Run("predict", "--model", _folder.Path, Image());

        Assert.Equal(ExitCode.Failed, result.ExitCode);
        Assert.Contains($"there is no file {_folder.File("student.int8.onnx")}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Predict_Folder_SaysThatItsImagesAreWanted()
    {
        Export("student.onnx", "float");
        var image = Image();

        var result = DistillProcess.Run("predict", "--model", _folder.File("student.onnx"), _folder.Path, image);

        Assert.Equal(ExitCode.Failed, result.ExitCode);
        Assert.Contains($"{_folder.Path} is a folder; give the images in it, such as {_folder.File("*.jpg")}", result.Error, StringComparison.Ordinal);
        Assert.Contains($"{image}: float ", result.Output, StringComparison.Ordinal);
    }

    private void WriteRecipe(string quantise) =>
        _folder.Write("recipe.yaml", RecipeText.Plain.Replace("channels: [4, 4]", "channels: [4, 4]" + quantise, StringComparison.Ordinal));

    private void Export(string name, string label)
    {
        using var scope = NewDisposeScope();
        var data = new DatasetInfo("sample", [1, 8, 8], [$"{label} one", $"{label} two"]);
        var network = new Mlp(new MlpOptions { Widths = [4] }, data);
        OnnxExporter.Export(network, data, _folder.File(name), randn(2, 1, 8, 8), new Dictionary<string, string> { [Provenance.Mean] = "[0.5]", [Provenance.Deviation] = "[0.25]" });
    }

    private string Image()
    {
        using var bitmap = new SKBitmap(8, 8, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Erase(SKColors.Gray);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return _folder.Write("image.png", data.ToArray());
    }
}
