using DistillSharp.Methods;
using DistillSharp.Recipes;
using DistillSharp.Teachers;
using DistillSharp.Tests.Training;
using DistillSharp.Training;

namespace DistillSharp.Tests.Conformance;

/// <summary>The recipes of recipes/smoke: one for every method and scheme, and each trains what it should.</summary>
public sealed class SmokeRecipeTests
{
    private static string Folder => Repository.File("recipes", "smoke");

    public static TheoryData<string> Methods => new(MethodCatalog.Default().Entries.Select(entry => entry.Name).Where(name => File.Exists(PathOf(name))));

    [Fact]
    public void Folder_EveryMethodForImagesAndEveryScheme_HasARecipe()
    {
        var names = MethodCatalog.Default().Entries.Select(entry => entry.Name).Where(name => !MethodCase.IsSequence(name))
            .Concat(SchemeCatalog.Entries.Where(entry => entry != SchemeCatalog.Offline).Select(entry => entry.Name));

        Assert.Equal(names.Order(StringComparer.Ordinal), Directory.GetFiles(Folder, "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Recipes_AllOfThem_DifferInTheObjectiveAlone()
    {
        // Otherwise they could not share a teacher and a plain student, nor be compared.
        var recipes = Directory.GetFiles(Folder, "*.yaml").Select(file => RecipeReader.ReadFile(file).Recipe).ToList();

        Assert.Single(recipes.Select(recipe => (recipe.Dataset, recipe.Data, recipe.Training with { KeepCheckpoints = 1 })).Select(entry => entry.ToString()).Distinct());
        Assert.Single(recipes.Select(recipe => string.Join(" ", recipe.Source.Get("student")!.Entries!["channels"].Items!.Select(item => item.Scalar))).Distinct());
        Assert.Single(recipes.Where(recipe => recipe.Teacher is not null).Select(recipe => recipe.Teacher!.Training.ToString()).Distinct());
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Train_ThreeSteps_MovesEveryProjectorParameterAndNothingOfTheTeacher(string name)
    {
        var test = new TrainingCase();
        using var student = test.Cnn([4, 4, 6, 6], side: 16);
        using var teacher = test.Cnn([6, 6, 8, 8], side: 16);
        var stage = RecipeReader.ReadFile(PathOf(name)).Recipe.Objectives.Single().Value.Stages.Single();
        stage = stage with { Training = stage.Training with { Epochs = 1, BatchSize = 8 } };
        var before = TrainingCase.Numbers(teacher);
        Dictionary<string, float[]> first = [];
        Dictionary<string, float[]> last = [];
        HashSet<string> trained = [];
        var job = TrainingCase.Job(student, teacher, TrainingCase.Samples(24, [1, 16, 16]), null, stage) with
        {
            CreateTask = (each, probe, source) =>
            {
                var task = new OfflineTask(student, new LiveTeacher(teacher), each, probe, source);
                first = TrainingCase.Numbers(task.Companions);
                trained = [.. task.TrainedParameters.Select(entry => entry.Name)];
                return task;
            },
            Finished = task => last = TrainingCase.Numbers(task.Companions),
        };

        test.Run(job);

        Assert.Equal(before, TrainingCase.Numbers(teacher));
        foreach (var (key, value) in first.Where(entry => trained.Contains("companions." + entry.Key)))
        {
            Assert.False(value.SequenceEqual(last[key]), $"{key} has not moved");
        }
    }

    private static string PathOf(string name) => Path.Combine(Folder, name + ".yaml");
}
