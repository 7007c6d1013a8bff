using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Tests.Vision.Images;

namespace DistillSharp.Tests.Vision;

/// <summary>Whole runs on generated files in the formats that published sets have.</summary>
[Collection(nameof(ChainRuns))]
public sealed class ImageRunTests : IDisposable
{
    private const string Networks =
        """
        teacher: {model: resnet, depth: 18, stem: cifar, width: 4}
        student: {model: resnet, depth: 18, stem: cifar, width: 2}
        objective: {terms: [{method: soft_target}]}
        evaluation: {latency: false}
        baselines: {plain: false}
        seeds: [0]

        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Run_CifarFormat_TrainsTeacherAndStudent()
    {
        ImageMaker.Cifar(_folder.File("cifar"), hundred: false, 10);
        var (results, _) = Run(Networks + $"data: {{dataset: cifar10, any_count: true, folder: {_folder.File("cifar")}, augment: {{shift: 4, flip: 0.5}}}}\ntraining: {{epochs: 1, batch_size: 16}}\n");
        Assert.Equal(["soft_target", "teacher"], results.Arms.Select(arm => arm.Name).Order());
    }

    [Fact]
    public void Run_ImageNetLayoutWithDamagedFile_TellsOfItAndGoesOn()
    {
        ImageMaker.Classes(_folder.File("train"), 2, 12, 40, 30);
        ImageMaker.Classes(_folder.File("val"), 2, 2, 30, 40);
        File.WriteAllText(_folder.File("train/n01/n01_3.JPEG"), "torn");
        var (results, notes) = Run(Networks + $"data: {{dataset: imagenet_folder, folder: {_folder.Path}, size: 32, corrupt: skip}}\ntraining: {{epochs: 1, batch_size: 8}}\n");
        Assert.Equal(2, results.Arms.Count);
        Assert.Contains(notes, note => note.Contains("1 of 24 training images", StringComparison.Ordinal) && note.Contains("n01_3.JPEG", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_MixedSamplesOfAStoredTeacher_SameStudentAsOfTheLiveOne()
    {
        ImageMaker.Cifar(_folder.File("cifar"), hundred: false, 4);
        var data = $"data: {{dataset: cifar10, any_count: true, folder: {_folder.File("cifar")}, augment: {{crop: 4, flip: 0.5, mixup: 0.8, cutmix: 1}}}}\ntraining: {{epochs: 2, batch_size: 8}}\n";
        Run(Networks + data);
        var weights = Path.Combine(_folder.File("run"), "teacher.safetensors");
        File.Copy(new RunDirectory(_folder.File("run")).WeightsFile("teacher", 0), weights);
        var text = Networks.Replace("width: 4}", $"width: 4, weights: {weights}, store: {{path: {_folder.File("store")}, views: 2}}}}", StringComparison.Ordinal) + data;
        var (first, _) = Run(text, "first");
        var (second, notes) = Run(text, "second");
        Assert.Equal(first.Arms.Count, second.Arms.Count);
        Assert.DoesNotContain(notes, note => note.Contains("samples stored", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(new RunDirectory(_folder.File("first")).StudentFile), File.ReadAllBytes(new RunDirectory(_folder.File("second")).StudentFile));
    }

    private (RunResults Results, List<string> Notes) Run(string text, string name = "run")
    {
        var recipe = RecipeReader.Read(text, "images", _folder.Path).Recipe;
        var directory = new RunDirectory(_folder.File(name));
        Experiment.Prepare(recipe, directory);
        var sink = new RecordingSink();
        var results = new Experiment(recipe, directory, sink).Run(TestContext.Current.CancellationToken);
        return (results, [.. sink.Written.OfType<NoteLogged>().Select(note => note.Message)]);
    }
}
