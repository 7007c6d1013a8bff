using DistillSharp.Export.Onnx;

namespace DistillSharp.Tests.Export;

/// <summary>Weights beside an ONNX file are read from its own folder and below.</summary>
public sealed class OnnxWeightFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public OnnxWeightFilesTests()
    {
        foreach (var folder in new[] { "model/real", "elsewhere" })
        {
            Directory.CreateDirectory(_folder.File(folder));
            File.WriteAllText(_folder.File(folder + "/weights.bin"), "weights");
        }

        Directory.CreateSymbolicLink(_folder.File("model/linked"), _folder.File("elsewhere"));
        Directory.CreateSymbolicLink(_folder.File("model/inside"), _folder.File("model/real"));
        File.CreateSymbolicLink(_folder.File("model/through.bin"), _folder.File("model/linked/weights.bin"));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("real/weights.bin")]
    [InlineData("inside/weights.bin")]
    public void Check_FileBelowTheModelsFolder_IsFine(string name) => OnnxWeightFiles.Check(_folder.File("model/model.onnx"), [name]);

    [Theory]
    [InlineData("linked/weights.bin")]
    [InlineData("through.bin")]
    public void Check_LinkOnTheWayOut_IsRefused(string name)
    {
        var error = Assert.Throws<InvalidDataException>(() => OnnxWeightFiles.Check(_folder.File("model/model.onnx"), [name]));
        Assert.Contains($"`{name}`, which a link leads to {_folder.File("elsewhere")} outside of its folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_Links_AreThoseOfTheFilesThatTheyLeadTo()
    {
        File.WriteAllText(_folder.File("elsewhere/model.onnx"), "model");
        File.CreateSymbolicLink(_folder.File("model/model.onnx"), _folder.File("elsewhere/model.onnx"));
        // It starts at the folder that it is in, not at the link to that folder.
        File.CreateSymbolicLink(_folder.File("elsewhere/back.bin"), "../elsewhere/weights.bin");
        Assert.Equal(5L + 7 + 7, OnnxWeightFiles.Bytes(_folder.File("model/model.onnx"), ["through.bin", "linked/back.bin"]));
    }
}
