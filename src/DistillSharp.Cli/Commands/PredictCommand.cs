using System.CommandLine;
using System.Text.Json;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Vision;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill predict</c>: what an exported student says about image files.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "A student's .onnx file, or a run directory", Required = true };
        var images = new Argument<string[]>("images") { Description = "Image files: JPEG, PNG, WebP, BMP, GIF", Arity = ArgumentArity.OneOrMore };
        var top = new Option<int>("--top") { Description = "Classes to show of each image, the likeliest first", DefaultValueFactory = _ => 3 };
        var json = CommonOptions.Json();
        var command = new Command(
            "predict",
            """
            Classify image files with an exported student, in ONNX Runtime. How images are scaled and normalised, and the names of
            the classes, come from the file itself. Files that cannot be read are named, and the others are classified.

            Examples:
              distill predict --model runs/fashion/student.onnx photo.jpg
              distill predict --model runs/fashion --top 1 --json *.png
            """)
        {
            model, images, top, json,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            if (parsed.GetValue(top) < 1)
            {
                throw new UsageException($"--top must be at least 1, not {parsed.GetValue(top)}");
            }

            var path = parsed.GetValue(model)!;
            using var classifier = new ImageClassifier(Directory.Exists(path) ? Student(new RunDirectory(path)) : path);
            var failed = 0;
            foreach (var image in parsed.GetValue(images)!)
            {
                try
                {
                    Show(image, classifier.Classify(image, parsed.GetValue(top)), parsed.GetValue(json));
                }
                catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
                {
                    Console.Error.WriteLine($"distill: {error.Message}");
                    failed++;
                }
            }

            return failed == 0 ? ExitCode.Fine : ExitCode.Failed;
        }));
        return command;
    }

    // What the run measured.
    private static string Student(RunDirectory run) => run.Exists && StudentQuantiser.ExportsIntegers(run) ? run.Int8File : run.OnnxFile;

    private static void Show(string image, IReadOnlyList<Prediction> predictions, bool json) => Console.Out.WriteLine(json
        ? JsonSerializer.Serialize(new { image, predictions }, RunJson.Line)
        : $"{image}: {string.Join(", ", predictions.Select(prediction => FormattableString.Invariant($"{prediction.Class} {100 * prediction.Probability:0.0} %")))}");
}
