using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

/// <summary>A recipe that is written into another folder than the one it was read from.</summary>
public sealed class RelativePathsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _twice = [];

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

    [Theory]
    [InlineData("data: {dataset: csv, train: PATH}", "data.train")]
    [InlineData("data: {dataset: image_folder, folder: PATH}", "data.folder")]
    [InlineData("data: {dataset: speech_manifest, train: [PATH]}", "data.train")]
    [InlineData("data: {dataset: speech_manifest, train: x, test: {tones: PATH}}", "data.test.tones")]
    [InlineData("data: {dataset: digits, unlabelled: {npy: PATH}}", "data.unlabelled.npy")]
    [InlineData("data: {dataset: digits, unlabelled: {dataset: csv, train: PATH}}", "data.unlabelled.train")]
    [InlineData("evaluation: {language_model: {file: PATH}}", "evaluation.language_model.file")]
    [InlineData("objective: {targets: {source_text: PATH}}", "objective.targets.source_text")]
    [InlineData("objectives: {kd: {targets: {source_text: PATH}}}", "objectives.kd.targets.source_text")]
    public void Located_PathOfData_StartsAtTheRecipeWhereSomethingIsThere(string recipe, string key)
    {
        Directory.CreateDirectory(_folder.File("recipes/here"));

        Assert.Equal(_folder.File("recipes/here"), At(Located(recipe.Replace("PATH", "here", StringComparison.Ordinal)), key));
        Assert.Equal("absent", At(Located(recipe.Replace("PATH", "absent", StringComparison.Ordinal)), key));
        Assert.Equal("../recipes/here", At(MovedData(recipe.Replace("PATH", "here", StringComparison.Ordinal)), key));
        Assert.Equal("absent", At(MovedData(recipe.Replace("PATH", "absent", StringComparison.Ordinal)), key));
    }

    [Fact]
    public void Read_NameBesideTheRecipeAndInTheCurrentFolder_SaysWhichIsTaken()
    {
        var name = Path.GetFileName(Directory.EnumerateFileSystemEntries(Environment.CurrentDirectory).First());
        File.WriteAllText(_folder.File(name), "");
        var text = $"data: {{dataset: csv, train: \"{name}\", test: other.csv}}\n" + RecipeText.Plain[RecipeText.Plain.IndexOf("teacher", StringComparison.Ordinal)..];

        var warnings = RecipeReader.Read(text, "test", _folder.Path).Warnings;

        Assert.Contains(Path.GetFullPath(name), Assert.Single(warnings, warning => warning.Contains("the recipe's is taken", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void Located_OtherTexts_Stay()
    {
        Directory.CreateDirectory(_folder.File("recipes/digits"));
        var located = Located("data: {dataset: digits, leave_out: [digits]}\nname: digits");

        Assert.Equal("digits", At(located, "data.dataset"));
        Assert.Equal("digits", At(located, "data.leave_out"));
        Assert.Equal("digits", At(located, "name"));
    }

    [Fact]
    public void ReadFile_DataBesideTheRecipe_IsFoundAndWrittenAsItStands()
    {
        _folder.Write("train.csv", "1,2,a\n3,4,b\n");
        var text = RecipeText.Plain.Replace("{dataset: digits}", "{dataset: csv, train: train.csv, test: elsewhere.csv}", StringComparison.Ordinal)
            .Replace("{model: small_cnn, channels: [4, 4]}", "{model: mlp, widths: [4]}", StringComparison.Ordinal);
        var recipe = RecipeReader.ReadFile(_folder.Write("recipe.yaml", text)).Recipe;

        var options = (CsvOptions)recipe.Dataset.Options;
        Assert.Equal((_folder.File("train.csv"), "elsewhere.csv"), (options.Train, options.Test));
        Assert.Equal("train.csv", At(recipe.Source, "data.train"));
    }

    private static Type? OptionsOf(string dataset) => Catalogs.Default().Datasets.Find(dataset)?.OptionsType;

    private static string? At(ConfigNode node, string path)
    {
        var found = path.Split('.').Aggregate(node, (from, key) => from.Get(key)!);
        return found.Scalar ?? Assert.Single(found.Items!).Scalar;
    }

    private ConfigNode Located(string recipe) => RelativePaths.Located(YamlConfig.Parse(recipe, new ConfigErrors())!, _folder.File("recipes"), OptionsOf, _twice);

    private ConfigNode MovedData(string recipe) => RelativePaths.Moved(YamlConfig.Parse(recipe, new ConfigErrors())!, _folder.File("recipes"), _folder.File("sweep"), OptionsOf);

    private string Moved(string key, string path) => MovedData($"teacher: {{{key}: {path}}}").Get("teacher")!.Get(key)!.Scalar!;
}
