using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DistillSharp.Config;
using DistillSharp.Evaluation;
using DistillSharp.Export.Int8;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Cli.Commands;

/// <summary><c>distill quantise</c>: an arm's network with eight-bit integers, beside the float one and its teacher.</summary>
internal static class QuantiseCommand
{
    private static readonly string[] Keys = ["top1", "nll", "ece", "bytes", "latency_ms"];

    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Run directory" };
        var arm = new Option<string?>("--arm") { Description = "Arm; the exported one by default" };
        var seed = new Option<int?>("--seed") { Description = "Seed; that of the exported network, else the first" };
        var output = new Option<string?>("--output") { Description = "ONNX file to write, with a table of the same name and .json; in the run directory by default: student.int8.onnx of the exported student, student.ARM-seed-N.int8.onnx of others and where the run itself exported integers" };
        var calibration = Choice<RangeRule>("--calibration", "How ranges of activations are found: min_max, percentile or entropy");
        var weights = Choice<WeightBits>("--weights", "reduced: 7 bits, exact on every processor; full: 8 bits, for processors with VNNI; unsigned: 8 bits, exact and slower on AVX2");
        var samples = new Option<int>("--samples") { Description = "Training images that give the ranges", DefaultValueFactory = _ => StudentQuantiser.DefaultSamples };
        var (json, data) = (CommonOptions.Json(), CommonOptions.DataFolder());
        var command = new Command(
            "quantise",
            """
            Write an arm's network as ONNX of eight-bit integers (static, a scale for every channel, QDQ), and show accuracy, size and latency of teacher,
            student and int8 student.

            Examples:
              distill quantise runs/quickstart
              distill quantise runs/quickstart --calibration percentile --samples 1024 --output student.int8.onnx
            """)
        {
            run, arm, seed, output, calibration, weights, samples, json, data,
        };
        command.Aliases.Add("quantize");
        command.SetAction(parsed => Failures.Guard(parsed, () =>
        {
            var directory = RunSession.Existing(parsed.GetValue(run)!);
            if (parsed.GetValue(output) is { } file)
            {
                OutputPaths.CheckFolder("--output", file);
            }

            if (parsed.GetValue(samples) < 1)
            {
                throw new UsageException($"--samples must be at least 1, not {parsed.GetValue(samples)}");
            }

            var recipe = RunSession.ReadRecipe(directory);
            if (recipe.Dataset.Entry.LoadDomain is not null)
            {
                throw new UsageException($"quantise is for classifiers, and {directory.Path} is a run on {recipe.Dataset.Entry.Name}, which has no classes of samples");
            }

            RunSession.CheckArm(recipe, parsed.GetValue(arm), parsed.GetValue(seed));
            using var trained = TrainedArm.Load(recipe, directory, parsed.GetValue(arm), parsed.GetValue(seed), parsed.GetValue(data));
            var destination = parsed.GetValue(output) ?? DefaultOutput(directory, trained.Arm, trained.Seed, StudentQuantiser.Exported(directory));
            var options = new QuantisationOptions { Calibration = Parse<RangeRule>(parsed.GetValue(calibration)!), Weights = Parse<WeightBits>(parsed.GetValue(weights)!) };
            var table = StudentQuantiser.Quantise(trained, destination, parsed.GetValue(samples), options);
            RunJson.Save(destination + ".json", table);
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(table, RunJson.Line));
                return ExitCode.Fine;
            }

            Print(table);
            return ExitCode.Fine;
        }));
        return command;
    }

    /// <summary>Where the file goes if nothing else is said: not over what the run measured and exported.</summary>
    internal static string DefaultOutput(RunDirectory directory, string arm, int seed, (string Arm, int Seed)? exported) =>
        exported == (arm, seed) && !StudentQuantiser.ExportsIntegers(directory)
            ? directory.Int8File
            : Path.Combine(directory.Path, string.Create(CultureInfo.InvariantCulture, $"student.{arm}-seed-{seed}.int8.onnx"));

    /// <summary>The table's lines; one more where it lacks the teacher.</summary>
    internal static IEnumerable<string> Lines(QuantisedTable table) =>
    [
        $"{"",-10}" + string.Concat(table.Rows.Select(row => $"{row.Name,12}")),
        .. Keys.Select(key => $"{key,-10}" + string.Concat(table.Rows.Select(row => $"{Number(key, row.Metrics),12}"))),
        .. table.WithoutTeacher is { } why ? [why] : Array.Empty<string>(),
    ];

    private static void Print(QuantisedTable table)
    {
        Console.Out.WriteLine($"{table.Arm}/seed-{table.Seed}: {table.Result.Layers} layers of integers{(table.Result.FloatLayers > 0 ? $", {table.Result.FloatLayers} of floats" : "")}, ranges from {table.Result.Samples} training samples");
        Console.Out.WriteLine();
        foreach (var line in Lines(table))
        {
            Console.Out.WriteLine(line);
        }

        var (before, after) = (table.Rows[^2].Metrics, table.Rows[^1].Metrics);
        Console.Out.WriteLine();
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"int8 against student: top-1 {100 * (after["top1"] - before["top1"]):+0.00;-0.00;0.00} points, {after["bytes"] / before["bytes"]:0.00} of the size, {after["latency_ms"] / before["latency_ms"]:0.00} of the latency (batch 1, one thread)"));
        Console.Out.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, table.Rows[^1].File));
        Console.Out.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, table.Rows[^1].File + ".json"));
        PrintExits(table.Exits);
    }

    private static void PrintExits(IReadOnlyList<QuantisedExit> exits)
    {
        if (exits.Count == 0)
        {
            return;
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine($"{"exit",-24}{"top-1",10}{"int8",10}{"bytes",14}{"int8",14}{"latency ms",12}{"int8",10}  file");
        foreach (var exit in exits)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{exit.Name,-24}{exit.Float["top1"],10:P2}{exit.Int8["top1"],10:P2}{exit.Float["bytes"],14:N0}{exit.Int8["bytes"],14:N0}{exit.Float["latency_ms"],12:0.0000}{exit.Int8["latency_ms"],10:0.0000}  {Path.GetRelativePath(Environment.CurrentDirectory, exit.File)}"));
        }
    }

    private static string Number(string key, Dictionary<string, double> metrics) => !metrics.TryGetValue(key, out var value) ? MetricFormat.Missing : key switch
    {
        "top1" or "ece" => value.ToString("P2", CultureInfo.InvariantCulture),
        "bytes" => value.ToString("N0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.0000", CultureInfo.InvariantCulture),
    };

    private static Option<string> Choice<T>(string name, string description)
        where T : struct, Enum
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => ConfigBinder.SnakeCase(Enum.GetNames<T>()[0]) };
        option.AcceptOnlyFromAmong([.. Enum.GetNames<T>().Select(ConfigBinder.SnakeCase)]);
        return option;
    }

    private static T Parse<T>(string text)
        where T : struct, Enum => Enum.GetValues<T>().First(value => ConfigBinder.SnakeCase(value.ToString()) == text);
}
