using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Tests.Vision.Images;

namespace DistillSharp.Tests.Vision;

/// <summary>
/// Recipes whose data are not at hand, on generated images in the files that these have: what <c>first-steps</c> of the benchmarks does with every arm, in small. The weights
/// are looked at by nobody; what counts is that the recipe trains, measures and exports.
/// </summary>
[Collection(nameof(ChainRuns))]
public sealed class FirstStepsTests : IDisposable
{
    private const int CifarRecord = 2 + (3 * 32 * 32);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RunJob_CifarHundred_TwentyStepsOfPlainFitnetAndCrd()
    {
        // 8 of 88 are held out, which leaves 20 batches.
        ImageMaker.Cifar(_folder.Path, hundred: true, 88);
        var test = File.ReadAllBytes(_folder.File("test.bin"));
        _folder.Write("test.bin", test[..(20 * CifarRecord)]);

        Train(["cifar-100", "resnet20_from_resnet56.yaml"], 20, ["plain", "fitnet", "crd"], "data.any_count=true", "data.validation=0.09", "training.batch_size=4", "objectives.crd.terms.0.negatives=64");
    }

    [Fact]
    public void RunJob_ImageNet_ThreeStepsOfPlainAndSoftTargets()
    {
        // 2 of 8 are held out, which leaves 3 batches.
        ImageMaker.Classes(_folder.File("train"), 4, 2, 320, 260);
        ImageMaker.Classes(_folder.File("val"), 4, 1, 260, 320);

        Train(["imagenet", "resnet18_from_resnet34.yaml"], 3, ["plain", "kd"], "data.validation=0.25", "training.batch_size=2");
    }

    private void Train(string[] recipe, int steps, string[] students, params string[] overrides)
    {
        var read = RecipeReader.ReadFile(
            Repository.File(["recipes", "vision", .. recipe]),
            [$"data.folder={_folder.Path}", "training.epochs=1", "training.learning_rate=0.005", "training.clip_norm=1", "seeds=[0]", "evaluation.latency=false", "export.parity_samples=4", .. overrides]).Recipe;
        var run = new RunDirectory(_folder.File("run"));
        Experiment.Prepare(read, run);
        var experiment = new Experiment(read, run, new RecordingSink());
        foreach (var arm in students.Prepend("teacher"))
        {
            experiment.RunJob(arm, 0, TestContext.Current.CancellationToken);
            var job = JobResult.Load(run.JobResultFile(arm, 0));
            Assert.Equal(steps, job.Steps);
            Assert.True(double.IsFinite(job.Metrics["nll"]), arm);
            // Students whose file does not compute what they do fail; a teacher would go on without.
            Assert.True(arm == "teacher" || File.Exists(Path.ChangeExtension(run.WeightsFile(arm, 0), ".onnx")), arm);
        }
    }
}
