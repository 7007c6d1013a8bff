using DistillSharp.Config;
using DistillSharp.Methods.Logits;
using DistillSharp.Training;

namespace DistillSharp.Tests.Recipes;

/// <summary>Single keys of a recipe that the command line changes.</summary>
public class RecipeOverridesTests
{
    [Fact]
    public void Read_Overrides_WinOverTheText()
    {
        var recipe = RecipeText.Read(
            RecipeText.Plain, "training.epochs=9", "objective.terms[0].temperature={schedule: linear, from: 8, to: 2}", "seeds=[4]", "student.channels=[2, 2]").Recipe;

        var stage = recipe.Objectives["soft_target"].Stages[0];
        Assert.Equal(9, stage.Training.Epochs);
        Assert.Equal([4], recipe.Seeds);
        var temperature = ((SoftTargetOptions)stage.Terms[0].Options).Temperature;
        Assert.Equal(5, temperature.ValueAt(new Progress(5, 10)), 12);
        Assert.Contains("from: 8", YamlConfig.Write(recipe.Source), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("~")]
    public void Read_NullForAKeyThatIsGiven_TakesItBack(string nothing)
    {
        var recipe = RecipeText.Read(RecipeText.Plain + "name: given\n", "data.train_samples=100", $"data.train_samples={nothing}", $"name={nothing}").Recipe;

        Assert.Null(recipe.Data.TrainSamples);
        Assert.Equal("test", recipe.Name);
        Assert.Equal(new TrainingOptions().Epochs, RecipeText.Read(RecipeText.Plain, $"training.epochs={nothing}").Recipe.Training.Epochs);
        Assert.Contains("missing", RecipeText.OnlyFault(RecipeText.Plain, $"objective.terms[0].method={nothing}").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullForAKeyOfTheFormerModel_TakesItBack()
    {
        var recipe = RecipeText.Read(RecipeText.Plain, "student.model=mlp", "student.channels=null").Recipe;

        Assert.Equal("mlp", recipe.Student.Entry.Name);
        Assert.DoesNotContain("channels", YamlConfig.Write(recipe.Source), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullForAKeyThatIsNotGiven_IsReadAsItsValue()
    {
        Assert.Contains("did you mean `train_samples`?", RecipeText.OnlyFault(RecipeText.Plain, "data.train_smaples=null").Message, StringComparison.Ordinal);
        Assert.Contains("whole number", RecipeText.OnlyFault(RecipeText.Plain, "training.batch_size=null").Message, StringComparison.Ordinal);
        Assert.Null(RecipeText.Read(RecipeText.Plain, "data.train_samples=null").Recipe.Data.TrainSamples);
    }

    [Theory]
    [InlineData("threads=0", "--set threads = 0: must be a whole number at least 1")]
    [InlineData("training={epochs: 3, batch_size: 0}", "--set training.batch_size = 0: must be")]
    [InlineData("evaluaton.latency=false", "--set evaluaton: unknown key")]
    [InlineData("data={dataset: digits, mean: [0.5]}", "--set data.standard_deviation: must have")]
    [InlineData("objective.terms[3].weight=2", "--set objective.terms[3]: there are 1 items")]
    [InlineData("objective.terms.weight=2", "--set objective.terms.weight: a list")]
    public void Read_FaultOfAnOverride_SaysSoAndHasNoLine(string assignment, string text)
    {
        var fault = RecipeText.OnlyFault(RecipeText.Plain, assignment);

        Assert.StartsWith(text, fault.ToString(), StringComparison.Ordinal);
        Assert.Equal((0, true), (fault.Line, fault.IsOverride));
    }

    [Theory]
    [InlineData("training.epochs", "--set")]
    [InlineData("objective.terms.temperature=2", "objective.terms.temperature")]
    [InlineData("objective.terms[3].temperature=2", "objective.terms[3]")]
    [InlineData("training.epochs=[1", "--set")]
    public void Read_FaultyOverride_IsReported(string assignment, string path) =>
        Assert.Equal(path, RecipeText.OnlyFault(RecipeText.Plain, assignment).Path);
}
