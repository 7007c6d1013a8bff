using System.CommandLine;
using DistillSharp.Config;
using DistillSharp.Training;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill new</c>: a commented recipe to start from.</summary>
internal static class NewCommand
{
    /// <summary>The starter recipe.</summary>
    public static readonly string Starter =
        $$"""
        # A distillation recipe. `distill check` explains every fault; docs/recipes.md documents every key.
        data:
          dataset: fashion-mnist        # distill list datasets; csv, npy and idx read your own files
          validation: 0.1               # split from training; model selection uses it alone
          augment: {shift: 2, flip: 0.5}
        teacher:                        # trained here; or weights: teacher.safetensors
          model: resnet20               # distill list models
        student:
          model: small_cnn
          channels: [8, 8, 16, 16]
        objective:
          hard_labels: 0.1              # weight of the cross-entropy with the labels
          terms:                        # distill list methods; any number, each with its weight
            - {method: soft_target, temperature: 4, weight: 0.9}
        training:
          epochs: 10
          batch_size: 128
          optimizer: sgd                # {{Names<OptimizerKind>()}}
          learning_rate: 0.05
          schedule: cosine              # {{Names<LearningRateShape>()}}
        baselines:
          plain: true                   # the undistilled student, always beside the distilled one
          label_smoothing: 0.1          # what any soft target must beat; 0 leaves it out
        seeds: [0, 1, 2]                # intervals need at least two

        """;

    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "Where the recipe goes" };
        var force = new Option<bool>("--force") { Description = "Overwrite an existing file" };
        var command = new Command(
            "new",
            """
            Write a commented starter recipe.

            Example:
              distill new my-recipe.yaml
            """)
        {
            file, force,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var path = parsed.GetValue(file)!;
            OutputPaths.CheckFolder("new", path);
            if (File.Exists(path) && !parsed.GetValue(force))
            {
                throw new UsageException($"{path} exists; choose another name or give --force");
            }

            File.WriteAllText(path, Starter);
            Console.Out.WriteLine($"{path} written. Next: distill check {path}");
            return ExitCode.Fine;
        }));
        return command;
    }

    private static string Names<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetNames<T>().Select(ConfigBinder.SnakeCase));
}
