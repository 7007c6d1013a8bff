using DistillSharp.Config;
using DistillSharp.Recipes;

namespace DistillSharp.Tests.Recipes;

public class RecipeReaderTests
{
    [Fact]
    public void Read_PlainDistillation_HoldsWhatWasWritten()
    {
        var recipe = RecipeText.Read(RecipeText.Plain).Recipe;

        Assert.Equal("test", recipe.Name);
        Assert.Equal("digits", recipe.Dataset.Entry.Name);
        Assert.Equal("small_cnn", recipe.Student.Entry.Name);
        Assert.Equal([0, 1, 2], recipe.Seeds);
        var (arm, plan) = Assert.Single(recipe.Objectives);
        Assert.Equal("soft_target", arm);
        var stage = Assert.Single(plan.Stages);
        Assert.Equal(0.1, stage.HardLabels.ValueAt(Progress.Start));
        Assert.Equal(3, stage.Training.Epochs);
        Assert.Equal(0.9, Assert.Single(stage.Terms).Weight.ValueAt(Progress.Start));
        Assert.Equal(["teacher", "plain", "soft_target"], Arms.Of(recipe).Select(each => each.Name));
    }

    [Fact]
    public void Read_FiveFaults_ReportsFiveAtTheirPlaces()
    {
        var faults = RecipeText.Faults(
            """
            data: {dataset: digitz}
            teacher: {model: mlp, widths: [64]}
            student: {model: small_cnn, channels: [4, 4], depht: 3}
            training: {epochs: 0}
            objective:
              terms:
                - {method: soft_target, temperature: hot}
                - {method: fitnet, student: layer9, teacher: hidden1}
            """);

        Assert.Equal(
            [(1, "data.dataset", "digitz"), (3, "student.depht", null), (4, "training.epochs", "0"), (7, "objective.terms[0].temperature", "hot"), (8, "objective.terms[1].student", "layer9")],
            faults.Select(fault => (fault.Line, fault.Path, fault.Value)).Order());
        Assert.Contains("did you mean `digits`?", faults.Single(fault => fault.Path == "data.dataset").Message, StringComparison.Ordinal);
        Assert.Contains("at least 1", faults.Single(fault => fault.Path == "training.epochs").Message, StringComparison.Ordinal);
        Assert.Contains("number above 0", faults.Single(fault => fault.Path == "objective.terms[0].temperature").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ModelWithoutItsPrefix_SuggestsThatWithIt()
    {
        Assert.Contains("did you mean `cifar_vgg8`? Known: cifar_vgg8, vgg,", RecipeText.OnlyFault(RecipeText.Plain, "teacher={model: vgg8}").Message, StringComparison.Ordinal);
        Assert.Contains("did you mean `vgg11`?", RecipeText.OnlyFault(RecipeText.Plain, "teacher={model: VGG11}").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_UnknownFeaturePoint_ListsThoseThatExist()
    {
        var fault = RecipeText.OnlyFault(RecipeText.Start + "objective: {terms: [{method: fitnet, student: conv1, teacher: layer1}]}\n", "student.model=mlp", "student={model: mlp, widths: [8]}", "objective.terms[0].student=hidden1");

        Assert.Equal("objective.terms[0].teacher", fault.Path);
        Assert.Contains("the teacher mlp has no feature point `layer1`", fault.Message, StringComparison.Ordinal);
        Assert.Contains("hidden1", fault.Message, StringComparison.Ordinal);
        Assert.Contains("penultimate", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data={dataset: digits, mean: [0.5]}", "data.standard_deviation", "mean has 1, standard_deviation 0")]
    [InlineData("data={dataset: digits, mean: [0.5], standard_deviation: [0]}", "data.standard_deviation[0]", "above 0")]
    [InlineData("data={dataset: digits, mean: [0.5], standard_deviation: [0.2], normalise: false}", "data.normalise", "must be true")]
    public void Read_FaultyNormalisation_SaysWhereAndWhatWouldBeRight(string assignment, string path, string message)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Plain, assignment);

        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trainig: {epochs: 3}", "trainig", "did you mean `training`?")]
    [InlineData("seeds: [1, 1]", "seeds", "seed 1 occurs twice")]
    [InlineData("seeds: []", "seeds", "at least one seed")]
    [InlineData("seeds: [0.5]", "seeds", "whole number")]
    [InlineData("name: ../elsewhere", "name", "letters, digits")]
    [InlineData("device: tpu", "device", "Known: cpu, cuda")]
    [InlineData("export: {arm: soft_targte}", "export.arm", "did you mean `soft_target`?")]
    [InlineData("tuning: {seed: 7}", "tuning", "must list learning_rate")]
    [InlineData("plugins: absent.dll", "plugins", "there is no file")]
    [InlineData("baselines: {label_smoothing: 1.5}", "baselines.label_smoothing", "at most 0.9")]
    [InlineData("baselines: {training: {label_smoothing: {learning_rate: 0.1}}}", "baselines.training.label_smoothing", "no such arm without `baselines.label_smoothing`")]
    [InlineData("export: {arm: label_smoothing}", "export.arm", "no such arm")]
    [InlineData("evaluation: [1]", "evaluation", "must be a map")]
    public void Read_FaultySection_SaysWhereAndWhatWouldBeRight(string section, string path, string message)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Plain + section + "\n");

        Assert.StartsWith(path, fault.Path, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_PickleAsWeights_ExplainsWhatToGiveInstead() =>
        Assert.Contains("pickle", RecipeText.OnlyFault(RecipeText.Plain, "teacher.weights=teacher.pth").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "must hold a map")]
    [InlineData("- 1", "must hold a map")]
    [InlineData("a: [", "not valid YAML")]
    [InlineData("a: 1\na: 2", "not valid YAML")]
    [InlineData("data: &d\n  dataset: digits\n  again: *d", "levels deep")]
    public void Read_NoRecipeAtAll_SaysSo(string text, string message) =>
        Assert.Contains(message, RecipeText.OnlyFault(text).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_FaultOfAValueToTry_HasTheLineOfTheRecipe()
    {
        var fault = RecipeText.OnlyFault(RecipeText.Start + "objective: {terms: [{method: soft_target}], tuning: {terms.0.temperature: [1, -2]}}\ntuning: {learning_rate: [1, 2]}\n");

        Assert.StartsWith("line 5: objective.terms[0].temperature = -2: must be", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_FileWhoseNameNoRunCanHave_IsCalledLikeIt()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal("my-recipe", RecipeReader.ReadFile(folder.Write("my recipe.yaml", RecipeText.Plain)).Recipe.Name);
    }

    [Fact]
    public void ReadFile_PairedTranslationRecipe_TakesTheWholeCorpusAsItSays()
    {
        var path = Repository.File("recipes", "text", "translation", "debian_en-it_paired.yaml");

        Assert.Null(RecipeReader.ReadFile(path, ["data.train_samples=null", "data.max_words=30"]).Recipe.Data.TrainSamples);
    }

    [Fact]
    public void Read_LabelSmoothedStudent_CanBeExported() =>
        Assert.Equal("label_smoothing", Arms.Exported(RecipeText.Read(RecipeText.Plain + "baselines: {label_smoothing: 0.1}\nexport: {arm: label_smoothing}\n").Recipe));

    [Fact]
    public void Read_SeedOfASweepThatIsOneOfTheTable_IsSaid()
    {
        Assert.Contains("sweep.seed 2 is one of the table's seeds", Assert.Single(RecipeText.Read(RecipeText.Plain + "sweep: {seed: 2}\n").Warnings), StringComparison.Ordinal);
        Assert.Empty(RecipeText.Read(RecipeText.Plain + "sweep: {seed: 7}\n").Warnings);
    }

    [Fact]
    public void Read_OneSeed_WarnsThatThereIsNoInterval() =>
        Assert.Contains("one seed", Assert.Single(RecipeText.Read(RecipeText.Plain + "seeds: [5]\n").Warnings), StringComparison.Ordinal);

    public static TheoryData<string> ShippedRecipes() =>
        [.. Directory.GetFiles(Repository.File("recipes"), "*.yaml", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Repository.Root, path))];

    [Theory]
    [MemberData(nameof(ShippedRecipes))]
    public void ReadFile_ShippedRecipe_HasNoFault(string path)
    {
        try
        {
            Assert.NotEmpty(Arms.Of(RecipeReader.ReadFile(Repository.File(path)).Recipe));
        }
        catch (ConfigException error)
        {
            // Somebody else's teacher need not be on this machine.
            Assert.All(error.Errors, fault => Assert.Matches("there is no file .*`distill data get [a-z-]+` fetches it", fault.ToString()));
        }
    }
}
