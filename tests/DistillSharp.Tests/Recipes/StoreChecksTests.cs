using DistillSharp.Teachers.Store;
using DistillSharp.Tests.Teachers.Store;

namespace DistillSharp.Tests.Recipes;

/// <summary>What recipes say of stores, and what goes with them.</summary>
public sealed class StoreChecksTests
{
    private const string Start = "student: {model: small_cnn, channels: [4, 4]}\ntraining: {epochs: 3}\n";
    private const string Plain = "data: {dataset: digits}\n";
    private const string Augmented = "data: {dataset: digits, augment: {shift: 1}}\n";
    private const string SoftTarget = "objective: {terms: [{method: soft_target}]}\n";

    [Fact]
    public void Read_Store_HasItsKeysAndAFullPath()
    {
        var recipe = RecipeText.Read(Start + Augmented + "teacher: {model: mlp, widths: [8], store: {path: kept, precision: int8, top_k: 3, temperature: 4, views: 5, features: [hidden1]}}\n" + SoftTarget).Recipe;
        var store = recipe.Teacher!.Store!;
        Assert.Equal((Path.Combine(Path.GetTempPath(), "kept"), StorePrecision.Int8, 3, 4.0, 5), (store.Path, store.Precision, store.TopK!.Value, store.Temperature, store.Views!.Value));
        Assert.Equal(["hidden1"], store.Features!);
        Assert.Equal(5, recipe.Views);
    }

    [Fact]
    public void Read_StoreAsAPath_IsShortForTheMap()
    {
        var recipe = RecipeText.Read(Start + Plain + "teacher: {model: mlp, widths: [8], store: kept}\n" + SoftTarget).Recipe;
        Assert.Equal(new StoreOptions { Path = Path.Combine(Path.GetTempPath(), "kept") }, recipe.Teacher!.Store);
        Assert.Equal(0, recipe.Views);
    }

    [Theory]
    [InlineData(Augmented, "{path: x}", SoftTarget, "teacher.store.views", "missing; data.augment shows samples in random views")]
    [InlineData(Plain, "{path: x, views: 2}", SoftTarget, "teacher.store", "without data.augment every view of a sample is the same; leave views out")]
    [InlineData(Plain, "{views: 1}", SoftTarget, "teacher.store.path", "missing; folder of the store")]
    [InlineData(Plain, "{path: x, top_k: 2, samples: 3}", SoftTarget, "teacher.store.samples", "give either top_k or samples")]
    [InlineData(Plain, "{path: x, temperature: 3}", SoftTarget, "teacher.store.temperature", "whole logits serve every temperature")]
    [InlineData(Plain, "{path: x, features: []}", "objective: {terms: [{method: fitnet, student: layer1, teacher: hidden1}]}\n", "teacher.store", "does not hold the feature hidden1, which fitnet reads; it holds logits alone")]
    [InlineData(Plain, "{path: x}", "objective: {terms: [{method: sskd, student: penultimate, teacher: penultimate}]}\n", "teacher.store", "holds no turned images, which sskd shows the teacher")]
    [InlineData(Augmented, "{path: x, views: 2}", "objective: {terms: [{method: soft_target}], training: {augment: {shift: 2}}}\n", "teacher.store", "soft_target learns from the teacher with a training.augment of its own")]
    public void Read_StoreThatDoesNotGoWithTheRest_IsRefused(string data, string store, string objective, string path, string message)
    {
        var fault = RecipeText.OnlyFault(Start + data + $"teacher: {{model: mlp, widths: [8], store: {store}}}\n" + objective);
        Assert.Equal(path, fault.Path);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TeacherASeed_HasNoStore() =>
        Assert.Contains("per_seed trains one for every seed", RecipeText.OnlyFault(Start + Plain + "teacher: {model: mlp, widths: [8], per_seed: true, store: x}\n" + SoftTarget).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_SparseStoreAndAnotherTemperature_IsSaid()
    {
        var text = Start + Plain + "teacher: {model: mlp, widths: [8], store: {path: x, top_k: 3, temperature: 2}}\nobjective: {terms: [{method: soft_target, temperature: 4}]}\n";
        Assert.Contains(RecipeText.Read(text).Warnings, warning => warning.Contains("soft_target softens by another temperature than the 2 at which the store's top_k are meant", StringComparison.Ordinal));
        Assert.DoesNotContain(RecipeText.Read(text.Replace("temperature: 4", "temperature: 2", StringComparison.Ordinal)).Warnings, warning => warning.Contains("softens", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_StoreOfOneViewAloneAndAugmentation_SaysToLeaveThatOut()
    {
        using var stored = new StoreCase(count: 20);
        stored.Filled().Dispose();
        var fault = RecipeText.OnlyFault(Start + Augmented + $"teacher: {{store: {stored.Options.Path}}}\n" + SoftTarget);
        Assert.Equal("teacher.store", fault.Path);
        Assert.Contains("leave data.augment out", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_StoreAlone_SaysItselfWhatItHolds()
    {
        using var stored = new StoreCase(count: 20, views: 3) { Features = ["layer1"] };
        stored.Filled().Dispose();
        var text = Start + Augmented + $"teacher: {{store: {stored.Options.Path}}}\n";
        var recipe = RecipeText.Read(text + SoftTarget).Recipe;
        Assert.Null(recipe.Teacher!.Model);
        Assert.Equal(3, recipe.Views);
        Assert.Equal(["layer1"], recipe.Teacher.Store!.Features!);
        Assert.Contains("does not hold the feature layer2", RecipeText.OnlyFault(text + "objective: {terms: [{method: fitnet, student: layer1, teacher: layer2}]}\n").Message, StringComparison.Ordinal);
        Assert.Contains("holds no parameters, which simkd reads", RecipeText.OnlyFault(text + "objective: {terms: [{method: simkd, student: layer1, teacher: layer1}]}\n").Message, StringComparison.Ordinal);
        Assert.Contains("has 3 views, but without data.augment", RecipeText.OnlyFault(text.Replace(", augment: {shift: 1}", "", StringComparison.Ordinal) + SoftTarget).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_StoreAloneThatIsNotThere_IsRefused()
    {
        Assert.Contains("is not a store of teacher outputs", RecipeText.OnlyFault(Start + Plain + "teacher: {store: nowhere}\n" + SoftTarget).Message, StringComparison.Ordinal);
        Assert.Contains("is for filling a store", RecipeText.Faults(Start + Plain + "teacher: {store: {path: nowhere, top_k: 3}}\n" + SoftTarget)[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SeveralTeachers_StoreTogetherOrEach()
    {
        var recipe = RecipeText.Read(Start + Plain + "teachers: {a: {model: mlp, widths: [8], store: one}, b: {model: mlp, widths: [9]}, store: {path: all, features: [b.hidden1]}}\nobjective: {terms: [{method: fitnet, student: layer1, teacher: b.hidden1}]}\n").Recipe;
        Assert.Equal(["all", "one"], recipe.Stores.Select(store => Path.GetFileName(store.Path)));
        Assert.Null(recipe.Teachers!.Members["b"].Store);
    }
}
