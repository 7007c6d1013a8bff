using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

/// <summary>Files of data that are not there, which a recipe can be read without.</summary>
public sealed class DataPathChecksTests : IDisposable
{
    private const string Text = "teacher: {model: transformer}\nstudent: {model: transformer}\nobjective: {targets: {beam: 2}}\n";
    private const string Speech = "teacher: {model: ctc_gru}\nstudent: {model: ctc_gru}\nobjective: {targets: {beam: 2}}\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("data: {dataset: parallel_text, train: absent}\n" + Text, "data.train", "a run needs it")]
    [InlineData("data: {dataset: toy_phrases, tokenizer: absent}\n" + Text, "data.tokenizer", "a run needs it")]
    [InlineData("data: {dataset: speech_manifest, train: [here.jsonl, absent]}\n" + Speech, "data.train[1]", "a run needs it")]
    [InlineData("data: {dataset: speech_manifest, train: [here.jsonl], test: {far: absent/test.jsonl}}\n" + Speech, "data.test.far", "a run needs it, or the --data-dir that has it")]
    [InlineData("data: {dataset: asterisk_en}\nevaluation: {language_model: {file: absent}}\n" + Speech, "evaluation.language_model.file", "a run needs it")]
    public void Read_FileThatIsNotThere_IsARemark(string text, string key, string remark)
    {
        _folder.Write("here.jsonl", "");

        var warning = Assert.Single(Warnings(text), each => each.Contains("no file or folder", StringComparison.Ordinal));
        Assert.Contains($", which `{key}` names; ", warning, StringComparison.Ordinal);
        Assert.EndsWith(remark, warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data: {dataset: parallel_text, train: absent}\n" + Text)]
    [InlineData("data: {dataset: toy_phrases, tokenizer: absent}\n" + Text)]
    [InlineData("data: {dataset: speech_manifest, train: [absent]}\n" + Speech)]
    public void Read_FileBesideTheRecipe_IsNoRemark(string text)
    {
        _folder.Write("here", "");

        Assert.DoesNotContain(Warnings(text.Replace("absent", "here", StringComparison.Ordinal)), each => each.Contains("no file or folder", StringComparison.Ordinal));
    }

    private IReadOnlyList<string> Warnings(string text) => RecipeReader.Read(text, "test", _folder.Path).Warnings;
}
