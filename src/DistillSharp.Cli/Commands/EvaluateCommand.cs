using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DistillSharp.Export.Onnx;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill evaluate</c>: a trained network on a split of its run's data.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Run directory" };
        var arm = new Option<string?>("--arm") { Description = "Arm; the exported one by default" };
        var seed = new Option<int?>("--seed") { Description = "Seed; that of the exported network, else the first" };
        var split = new Option<string>("--split") { Description = "test or validation", DefaultValueFactory = _ => "test" };
        split.AcceptOnlyFromAmong("test", "validation");
        var (json, data) = (CommonOptions.Json(), CommonOptions.DataFolder());
        var command = new Command(
            "evaluate",
            """
            Evaluate an arm's kept weights again.

            Example:
              distill evaluate runs/quickstart --arm plain --seed 1
            """)
        {
            run, arm, seed, split, json, data,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var directory = RunSession.Existing(parsed.GetValue(run)!);
            var recipe = RunSession.ReadRecipe(directory);
            RunSession.CheckArm(recipe, parsed.GetValue(arm), parsed.GetValue(seed));
            using var trained = TrainedArm.Load(recipe, directory, parsed.GetValue(arm), parsed.GetValue(seed), parsed.GetValue(data));
            var metrics = trained.Evaluate(parsed.GetValue(split) == "validation");
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(new { arm = trained.Arm, seed = trained.Seed, metrics }));
                return ExitCode.Fine;
            }

            Console.Out.WriteLine($"{trained.Arm}/seed-{trained.Seed}, {parsed.GetValue(split)} split");
            foreach (var (key, value) in metrics)
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {key,-10} {value:0.####}"));
            }

            return ExitCode.Fine;
        }));
        return command;
    }
}

/// <summary><c>distill export</c>: an arm's kept weights as ONNX.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Run directory" };
        var arm = new Option<string?>("--arm") { Description = "Arm; the exported one by default" };
        var seed = new Option<int?>("--seed") { Description = "Seed; that of the exported network, else the first" };
        var output = new Option<string>("--output") { Description = "ONNX file to write", Required = true };
        var exits = new Option<bool>("--exits") { Description = "Write every early exit as a model of its own (student.exit_layer1.onnx ...), with the accuracy of each" };
        var data = CommonOptions.DataFolder();
        var command = new Command(
            "export",
            """
            Write an arm's network as ONNX (operator set 17, batches of any size), checked against the live network on real samples.

            A network that writes sequences becomes two files of that name: student.encoder.onnx and student.decoder.onnx for student.onnx.

            Examples:
              distill export runs/quickstart --arm teacher --output teacher.onnx
              distill export runs/self --arm self_distillation --exits --output student.onnx
            """)
        {
            run, arm, seed, output, exits, data,
        };
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var directory = RunSession.Existing(parsed.GetValue(run)!);
            var recipe = RunSession.ReadRecipe(directory);
            RunSession.CheckArm(recipe, parsed.GetValue(arm), parsed.GetValue(seed));
            OutputPaths.CheckFolder("--output", parsed.GetValue(output)!);
            using var trained = TrainedArm.Load(recipe, directory, parsed.GetValue(arm), parsed.GetValue(seed), parsed.GetValue(data));
            if (parsed.GetValue(exits))
            {
                Print(EarlyExits.Write(trained, parsed.GetValue(output)!));
                return ExitCode.Fine;
            }

            Print(trained, parsed.GetValue(output)!, trained.ExportOnnx(parsed.GetValue(output)!));
            return ExitCode.Fine;
        }));
        return command;
    }

    private static void Print(TrainedArm trained, string output, ParityResult parity)
    {
        var files = parity.Files.Count > 0 ? string.Join(", ", parity.Files.Select(file => Path.GetRelativePath(Environment.CurrentDirectory, file))) : output;
        var compared = double.IsNaN(parity.LargestDifference)
            ? $"the same texts for {parity.Decided} of {parity.Samples} samples"
            : string.Create(CultureInfo.InvariantCulture, $"largest difference {parity.LargestDifference:G3} on {parity.Samples} samples");
        Console.Out.WriteLine($"{files}: {trained.Arm}/seed-{trained.Seed}, {compared}");
    }

    private static void Print(IReadOnlyList<EarlyExitRow> rows)
    {
        Console.Out.WriteLine($"{"exit",-24}{"top-1",10}{"NLL",10}{"ECE",10}{"bytes",14}{"latency ms",12}  file");
        foreach (var row in rows)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Name,-24}{row.Metrics["top1"],10:P2}{row.Metrics["nll"],10:0.0000}{row.Metrics["ece"],10:P2}{row.Metrics["bytes"],14:N0}{row.Metrics["latency_ms"],12:0.0000}  {row.File}"));
        }
    }
}
