using System.Globalization;
using System.Text.Json.Serialization;
using DistillSharp.Config;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Export.Int8;
using DistillSharp.Export.Onnx;
using DistillSharp.Runs;
using static TorchSharp.torch;

namespace DistillSharp;

/// <summary>One network of the table that sets float and int8 side by side.</summary>
/// <param name="Name"><c>teacher</c>, <c>student</c> or <c>int8</c>.</param>
/// <param name="File">Its ONNX file; of a teacher that has none, such as several, the result that the run kept of it.</param>
/// <param name="Metrics">On the test split, with <c>bytes</c> and <c>latency_ms</c>; the latter only of an ONNX file that says how large a sample is.</param>
public sealed record QuantisedRow(string Name, string File, Dictionary<string, double> Metrics);

/// <summary>One exit of a network with early exits, in floats and in integers.</summary>
/// <param name="Name">Its output in the network's file: <c>exit_…</c>, or <c>logits</c> for the deepest.</param>
/// <param name="File">Its int8 ONNX file, whose output is <c>logits</c>.</param>
/// <param name="Float">Metrics of the exit of the float network on the test split, with <c>bytes</c> and <c>latency_ms</c>.</param>
/// <param name="Int8">The same of the file.</param>
public sealed record QuantisedExit(string Name, string File, Dictionary<string, double> Float, Dictionary<string, double> Int8);

/// <summary>What quantising a student changed: the JSON file beside the int8 one.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Options">How it was quantised.</param>
/// <param name="Result">What was done.</param>
/// <param name="Rows">Teacher (where there is one, of the student's seed where it has that), student, int8 student.</param>
public sealed record QuantisedTable(string Arm, int Seed, QuantisationOptions Options, QuantisationResult Result, IReadOnlyList<QuantisedRow> Rows)
{
    /// <summary>The exits from the shallowest to the deepest, each on its own; none where the network has no early exits.</summary>
    public IReadOnlyList<QuantisedExit> Exits { get; init; } = [];

    /// <summary>Why there is no row of the teacher; null where there is one, and where the run has no teacher.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WithoutTeacher { get; init; }
}

/// <summary>Quantises an arm of a run after training, with ranges from its training images, and measures what that changed.</summary>
public static class StudentQuantiser
{
    /// <summary>Training samples for calibration by default.</summary>
    public const int DefaultSamples = 512;

    /// <summary>Writes an arm's int8 ONNX file.</summary>
    /// <param name="arm">The arm; its float ONNX file is written where it is not there.</param>
    /// <param name="destination">The int8 file; exits of a network with early exits become files beside it, with their names before the ending.</param>
    /// <param name="samples">Training images that give the ranges of activations.</param>
    /// <param name="options">How.</param>
    /// <returns>Accuracy, size and latency of teacher, student and int8 student.</returns>
    public static QuantisedTable Quantise(TrainedArm arm, string destination, int samples = DefaultSamples, QuantisationOptions? options = null)
    {
        options ??= new QuantisationOptions();
        var source = Path.ChangeExtension(arm.Directory.WeightsFile(arm.Arm, arm.Seed), ".onnx");
        if (!File.Exists(source))
        {
            arm.ExportOnnx(source);
        }

        var result = Write(arm.Data, source, destination, samples, options);
        List<QuantisedRow> rows = [Row("student", source, arm.Data), Row("int8", destination, arm.Data)];
        var (teacher, why) = QuantisedTeacher.Row(arm);
        if (teacher is not null)
        {
            rows.Insert(0, teacher);
        }

        return new QuantisedTable(arm.Arm, arm.Seed, options, result, rows) { Exits = Exits(arm.Data, source, destination), WithoutTeacher = why };
    }

    /// <summary>The arm and seed whose student a run exported, as the exported weights say; null where it exported none.</summary>
    public static (string Arm, int Seed)? Exported(RunDirectory directory)
    {
        if (!File.Exists(directory.StudentFile))
        {
            return null;
        }

        using var file = new SafetensorsFile(directory.StudentFile);
        return file.Metadata.TryGetValue(Provenance.Arm, out var arm) && int.TryParse(file.Metadata.GetValueOrDefault(Provenance.Seed), CultureInfo.InvariantCulture, out var seed)
            ? (arm, seed)
            : null;
    }

    /// <summary>True where what a run measures and exports as its student is a file of eight-bit integers (<c>student.quantise</c>). Looks at nothing else in its recipe.</summary>
    public static bool ExportsIntegers(RunDirectory directory)
    {
        var recipe = YamlConfig.Parse(File.ReadAllText(directory.RecipeFile), new ConfigErrors());
        var arm = recipe?.Get("export")?.Get("arm")?.Scalar ?? recipe?.Get("objectives")?.Entries?.Keys.FirstOrDefault();
        var objective = arm is not null && ArmNames.Known.Contains(arm) ? null : recipe?.Get("objective") ?? (arm is null ? null : recipe?.Get("objectives")?.Get(arm));
        return arm != ArmNames.Teacher && (objective?.Get("student") ?? recipe?.Get("student"))?.Get("quantise") is not null;
    }

    /// <summary>Writes the int8 form of an ONNX file, with ranges from the run's training samples.</summary>
    internal static QuantisationResult Write(RunData data, string source, string destination, int samples, QuantisationOptions options)
    {
        using var scope = NewDisposeScope();
        var batches = new List<Tensor>();
        foreach (var batch in data.Samples(validation: false, samples).Epoch(0))
        {
            using (batch)
            {
                batches.Add(batch.Input.clone());
            }
        }

        return OnnxQuantiser.Quantise(source, destination, batches, options);
    }

    /// <summary>Metrics of an ONNX file on the test split, with <c>bytes</c> and <c>latency_ms</c>.</summary>
    internal static Dictionary<string, double> Measure(string file, RunData data)
    {
        using var session = new OnnxSession(file);
        var split = Evaluator.Logits(session, data.Test);
        return new Dictionary<string, double>(ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics)
        {
            ["bytes"] = new FileInfo(file).Length,
            ["latency_ms"] = OnnxLatency.MedianMilliseconds(file),
        };
    }

    internal static QuantisedRow Row(string name, string file, RunData data) => new(name, file, Measure(file, data));

    private static IReadOnlyList<QuantisedExit> Exits(RunData data, string source, string destination)
    {
        var names = EarlyExits.Of(source);
        return names.Count < 2 ? [] : [.. names.Select(Exit)];

        QuantisedExit Exit(string name)
        {
            var file = EarlyExits.Beside(destination, name);
            var exact = EarlyExits.Take(data, source, name, file, keep: false);
            return new QuantisedExit(name, file, exact.Metrics, EarlyExits.Take(data, destination, name, file, keep: true).Metrics);
        }
    }
}
