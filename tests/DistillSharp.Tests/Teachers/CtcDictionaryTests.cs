using DistillSharp.Data;
using DistillSharp.Teachers;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>A reader's outputs by the characters of its dictionary.</summary>
public sealed class CtcDictionaryTests
{
    [Fact]
    public void MapTo_AsciiAndFullWidthForms_AddUpAndOthersAreLeftOut()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        File.WriteAllText(folder.File("keys.txt"), "疗\na\nＢ\nB\n\u3000\n1\n");
        OnnxFiles.Mlp(folder.File("reader.onnx")).Dispose();
        var options = (OnnxTeacherOptions)new OnnxTeacherOptions { Onnx = "reader.onnx", Dictionary = "keys.txt" }.In(folder.Path);
        options.CheckSource();

        var map = options.MapTo([CtcInfo.Blank, " ", "1", "B", "a"])!;
        // Blank, then the six lines, then space.
        var probabilities = map.Apply(tensor(new[] { 0.1f, 0.2f, 0.05f, 0.15f, 0.25f, 0.1f, 0.1f, 0.05f }).log().reshape(1, 1, 8)).exp().data<float>().ToArray();

        Assert.Equal([0.1, 0.15, 0.1, 0.4, 0.05], probabilities.Select(value => Math.Round(value, 5)));
    }

    [Fact]
    public void CheckSource_DictionaryThatIsNotThere_SaysSo()
    {
        using var folder = new TemporaryFolder();
        OnnxFiles.Mlp(folder.File("reader.onnx")).Dispose();
        var missing = new OnnxTeacherOptions { Onnx = "reader.onnx", Dictionary = "keys.txt" }.In(folder.Path);
        Assert.Contains("there is no dictionary", Assert.Throws<ArgumentException>(missing.CheckSource).Message, StringComparison.Ordinal);
    }
}
