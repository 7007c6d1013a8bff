using DistillSharp.Cli;
using DistillSharp.Tests.Vision.Images;
using DistillSharp.Text.Corpora;

namespace DistillSharp.Tests.Cli;

public sealed class DataCommandTests
{
    [Fact]
    public void Verify_TablesOfDescriptions_AreReadAndAFaultyLineIsNamed()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File(DebianDescriptions.FetchedName));
        var table = folder.Write($"{DebianDescriptions.FetchedName}/en-it.tsv.gz", "tool for text\tstrumento per testo\ttools\n");
        var fine = Verify(folder, folder.Path);
        Assert.True(fine.ExitCode == ExitCode.Fine, fine.Error);
        Assert.Contains($"{table}: 1 pairs", fine.Output, StringComparison.Ordinal);

        File.AppendAllText(table, "torn\n");
        var damaged = Verify(folder, folder.Path);
        Assert.Equal(ExitCode.Failed, damaged.ExitCode);
        Assert.Contains($"{table}, line 2: must be source, tab, target", damaged.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_DescriptionsThatWereNotFetched_SaysHowTo()
    {
        using var folder = new TemporaryFolder();

        var result = Verify(folder, folder.File("empty"));

        Assert.Equal(ExitCode.Failed, result.ExitCode);
        Assert.Contains("`distill data get debian-descriptions --languages en,it` fetches it", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_DamagedImagesThatTheRecipeLeavesOut_SaysThatARunDoesSo()
    {
        using var folder = new TemporaryFolder();
        ImageMaker.Classes(folder.File("images/train"), 2, 2);
        ImageMaker.Classes(folder.File("images/test"), 2, 1);
        File.WriteAllText(folder.File("images/train/n01/n01_0.JPEG"), "torn");
        // The folder starts at the recipe, wherever the command is given.
        var recipe = folder.Write("recipe.yaml", "data: {dataset: image_folder, folder: images, size: 8, corrupt: skip}\nstudent: {model: mlp, widths: [4]}\nteacher: {model: mlp, widths: [8]}\nobjective: {terms: [{method: soft_target}]}\n");

        var result = DistillProcess.Run("data", "verify", recipe);

        Assert.Equal(ExitCode.Failed, result.ExitCode);
        Assert.Contains("image_folder: reading all of it", result.Error, StringComparison.Ordinal);
        Assert.Contains("1 image cannot be read; a run leaves them out, since the recipe says `corrupt: skip`", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_NeitherRecipeNorDataset_ListsWhatThereIs()
    {
        var result = DistillProcess.Run("data", "verify", "mnits");

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("did you mean `mnist`?", result.Error, StringComparison.Ordinal);
        Assert.All(["debian-descriptions", "asterisk-en", "synthetic-speech", "fashion-mnist"], name => Assert.Contains(name, result.Error, StringComparison.Ordinal));
    }

    // Whatever this machine has in its own folders is left alone.
    private static DistillProcess Verify(TemporaryFolder folder, string data) => DistillProcess.RunWith(
        new() { ["XDG_CACHE_HOME"] = folder.File("cache"), ["DISTILL_DATA"] = "" }, null, "data", "verify", DebianDescriptions.FetchedName, "--data-dir", data);
}
