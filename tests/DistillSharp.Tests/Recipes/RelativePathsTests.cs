using DistillSharp.Config;
using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

/// <summary>A recipe that is written into another folder than the one it was read from.</summary>
public sealed class RelativePathsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("onnx", "files/teacher.onnx", "../recipes/files/teacher.onnx")]
    [InlineData("onnx_stream", "files/teacher.onnx", "../recipes/files/teacher.onnx")]
    [InlineData("dictionary", "keys.txt", "../recipes/keys.txt")]
    [InlineData("onnx", "ocr-models/other.onnx", "../recipes/ocr-models/other.onnx")]
    [InlineData("onnx", "ocr-models/ch_PP-OCRv4_rec_infer.onnx", "ocr-models/ch_PP-OCRv4_rec_infer.onnx")]
    [InlineData("dictionary", "ocr-models/ppocr_keys_v1.txt", "ocr-models/ppocr_keys_v1.txt")]
    [InlineData("onnx_stream", "silero-vad/silero_vad.onnx", "silero-vad/silero_vad.onnx")]
    public void Moved_FileOfATeacher_IsFoundFromTheOtherFolder(string key, string path, string expected) => Assert.Equal(expected, Moved(key, path));

    [Fact]
    public void Moved_FetchedNameThatIsBesideTheRecipe_LeadsThere()
    {
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(_folder.File("recipes/silero-vad")).FullName, "silero_vad.onnx"), "");

        Assert.Equal("../recipes/silero-vad/silero_vad.onnx", Moved("onnx_stream", "silero-vad/silero_vad.onnx"));
    }

    private string Moved(string key, string path)
    {
        var recipe = YamlConfig.Parse($"teacher: {{{key}: {path}}}", new ConfigErrors())!;
        return RelativePaths.Moved(recipe, _folder.File("recipes"), _folder.File("sweep")).Get("teacher")!.Get(key)!.Scalar!;
    }
}
