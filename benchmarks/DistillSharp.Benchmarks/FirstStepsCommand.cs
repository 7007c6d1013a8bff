using System.CommandLine;
using System.Globalization;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using SkiaSharp;

namespace DistillSharp.Benchmarks;

/// <summary>
/// Whether recipes for data that is not at hand would run: every arm is trained for 20 steps on drawn images that lie on the disk as those of the set do, measured, exported and
/// compared with its export.
/// </summary>
internal static class FirstStepsCommand
{
    private const int Steps = 20;
    private const int HeldOut = 20;
    private const int Tested = 40;

    public static Command Create()
    {
        var recipes = new Argument<string[]>("recipes") { Description = "Recipes of cifar100 or imagenet_folder; those of recipes/vision/cifar-100 and recipes/vision/imagenet by default", Arity = ArgumentArity.ZeroOrMore };
        var batch = new Option<int?>("--batch") { Description = "Samples in a step; 16 of CIFAR-100 and 4 of ImageNet by default" };
        var command = new Command("first-steps", "Train every arm of a recipe for 20 steps on drawn images in the set's own files; 1 where an arm fails") { recipes, batch };
        command.SetAction(parsed =>
        {
            var files = parsed.GetValue(recipes) is { Length: > 0 } given ? given
                : [.. new[] { "cifar-100", "imagenet" }.SelectMany(set => Directory.EnumerateFiles(Path.Combine("recipes", "vision", set), "*.yaml").Order(StringComparer.Ordinal))];
            // Every recipe is tried, whatever became of those before it.
            var outcomes = files.Select(file => Run(file, parsed.GetValue(batch))).ToList();
            return outcomes.TrueForAll(isRight => isRight) ? 0 : 1;
        });
        return command;
    }

    private static bool Run(string file, int? given)
    {
        var folder = Directory.CreateTempSubdirectory("distill-first-steps-").FullName;
        try
        {
            var dataset = RecipeReader.ReadFile(file).Recipe.Dataset.Entry.Name;
            var size = given ?? (dataset == "cifar100" ? 16 : 4);
            var images = (Steps * size) + HeldOut;
            var recipe = RecipeReader.ReadFile(file, Overrides(file, dataset, folder, size, images)).Recipe;
            Write(dataset, folder, images);
            var run = new RunDirectory(Path.Combine(folder, "run"));
            Experiment.Prepare(recipe, run);
            new Experiment(recipe, run, new SilentSink()).Run();
            var jobs = Arms.Of(recipe).SelectMany(arm => arm.Seeds.Select(seed => JobResult.Load(run.JobResultFile(arm.Name, seed)))).ToList();
            var isRight = jobs.TrueForAll(job => job.Steps == Steps && double.IsFinite(job.Metrics["nll"]) && File.Exists(Path.ChangeExtension(run.WeightsFile(job.Arm, job.Seed), ".onnx")));
            Console.Out.WriteLine($"{(isRight ? "ok  " : "FAIL")} {file}: {string.Join(", ", jobs.Select(job => string.Create(CultureInfo.InvariantCulture, $"{job.Arm} {job.Steps} steps in {job.Metrics["cpu_seconds"]:0.0} CPU s")))}");
            return isRight;
        }
        catch (Exception error) when (error is InvalidOperationException or InvalidDataException or IOException or ArgumentException or NotSupportedException or JobsFailedException or Config.ConfigException or Training.TrainingDivergedException)
        {
            Console.Out.WriteLine($"FAIL {file}: {error.Message}");
            return false;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The recipe as it is but for its length; for negatives, of which there cannot be more than samples; and for a small learning rate and a gradient cut to length 1:
    // after 20 steps of random images a deep teacher's features are far from what they will be.
    private static List<string> Overrides(string file, string dataset, string folder, int size, int images)
    {
        List<string> overrides =
        [
            $"data.folder={folder}",
            string.Create(CultureInfo.InvariantCulture, $"data.validation={(double)HeldOut / images:R}"),
            "training.epochs=1",
            $"training.batch_size={size}",
            "training.learning_rate=0.005",
            "training.clip_norm=1",
            "seeds=[0]",
            "evaluation.latency=false",
            "export.parity_samples=8",
        ];
        if (dataset == "cifar100")
        {
            overrides.Add("data.any_count=true");
        }

        if (RecipeReader.ReadFile(file).Recipe.Objectives.ContainsKey("crd"))
        {
            overrides.Add("objectives.crd.terms.0.negatives=64");
        }

        return overrides;
    }

    private static void Write(string dataset, string folder, int images)
    {
        if (dataset == "cifar100")
        {
            WriteCifar(Path.Combine(folder, "train.bin"), images, 1);
            WriteCifar(Path.Combine(folder, "test.bin"), Tested, 2);
            return;
        }

        WriteFolders(Path.Combine(folder, "train"), images, 1);
        WriteFolders(Path.Combine(folder, "val"), Tested, 2);
    }

    // Coarse label, fine label, then 1024 bytes each of red, green and blue.
    private static void WriteCifar(string path, int count, int seed)
    {
        var random = new Random(seed);
        using var stream = File.Create(path);
        var pixels = new byte[3 * 32 * 32];
        for (var i = 0; i < count; i++)
        {
            random.NextBytes(pixels);
            stream.WriteByte((byte)(i % 20));
            stream.WriteByte((byte)(i % 100));
            stream.Write(pixels);
        }
    }

    // A folder a class, named as WordNet counts, with photographs of different sizes.
    private static void WriteFolders(string folder, int count, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"n{1440764 + (i % 10 * 3):D8}");
            Directory.CreateDirectory(Path.Combine(folder, name));
            using var bitmap = new SKBitmap(300 + random.Next(200), 260 + random.Next(120));
            using var canvas = new SKCanvas(bitmap);
            canvas.Clear(new SKColor((uint)random.Next() | 0xff000000));
            using var paint = new SKPaint();
            for (var shape = 0; shape < 30; shape++)
            {
                paint.Color = new SKColor((uint)random.Next() | 0xff000000);
                canvas.DrawCircle(random.Next(bitmap.Width), random.Next(bitmap.Height), random.Next(5, 80), paint);
            }

            using var file = File.Create(Path.Combine(folder, name, string.Create(CultureInfo.InvariantCulture, $"{name}_{i}.JPEG")));
            bitmap.Encode(file, SKEncodedImageFormat.Jpeg, 90);
        }
    }
}
