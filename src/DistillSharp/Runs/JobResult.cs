using System.Text.Json.Serialization;
using DistillSharp.RunLog;

namespace DistillSharp.Runs;

/// <summary>Names of the arms that every run shares; the others are named after their objectives.</summary>
public static class ArmNames
{
    /// <summary>The teacher.</summary>
    public const string Teacher = "teacher";

    /// <summary>The student trained on hard labels alone.</summary>
    public const string Plain = "plain";

    /// <summary>The student trained on smoothed labels.</summary>
    public const string LabelSmoothing = "label_smoothing";

    /// <summary>The plain student trained for as many CPU seconds as distillation took.</summary>
    public const string PlainMatched = "plain_compute_matched";

    /// <summary>Baselines and teacher, in the order tables show them; distilled arms follow.</summary>
    public static IReadOnlyList<string> Known { get; } = [Teacher, Plain, LabelSmoothing, PlainMatched];

    /// <summary>The arm of one of several teachers; <see cref="Teacher"/> is then what a combiner makes of them.</summary>
    public static string MemberOf(string name) => $"{Teacher}.{name}";

    /// <summary>True for the teacher and for each of several.</summary>
    public static bool IsTeacher(string arm) => arm == Teacher || arm.StartsWith(Teacher + ".", StringComparison.Ordinal);

    /// <summary>True for the arm of an objective, by its name; a control among them learns from no teacher (<see cref="JobResult.IsControl"/>).</summary>
    public static bool IsDistilled(string arm) => !Known.Contains(arm);
}

/// <summary>One try of the tuning on validation data.</summary>
/// <param name="Settings">Recipe keys and their values.</param>
/// <param name="Validation">The primary metric on the validation split; 0 where it did not train.</param>
public sealed record TuningTrial(Dictionary<string, string> Settings, double Validation)
{
    /// <summary>True where training diverged, which is worse than any figure.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Failed { get; init; }
}

/// <summary>What one arm reached with one seed: <c>arms/&lt;arm&gt;/seed-&lt;n&gt;/metrics.json</c>.</summary>
public sealed record JobResult
{
    /// <summary>Arm name.</summary>
    public required string Arm { get; init; }

    /// <summary>Seed.</summary>
    public required int Seed { get; init; }

    /// <summary>True where the arm is there for others to learn from and is not compared with the plain student: teachers and assistants.</summary>
    public bool IsTeacher { get; init; }

    /// <summary>True for an objective of hard labels alone: a control beside others, which distils nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsControl { get; init; }

    /// <summary>Metrics on the test split and costs, by metric key; shares are 0…1.</summary>
    public Dictionary<string, double> Metrics { get; init; } = [];

    /// <summary>Metrics on the validation split at the selected epoch.</summary>
    public Dictionary<string, double> Validation { get; init; } = [];

    /// <summary>Predicted class of each test sample, in the order of the run's labels; empty where there are no classes.</summary>
    public int[] Predictions { get; init; } = [];

    /// <summary>Accuracy by class on the test split; NaN for a class without samples.</summary>
    public double[] PerClass { get; init; } = [];

    /// <summary>Counts of each test sample for metrics that are functions of their sums, by metric key.</summary>
    public Dictionary<string, double[][]> Counts { get; init; } = [];

    /// <summary>Epochs trained over all stages.</summary>
    public int Epochs { get; init; }

    /// <summary>Optimizer steps.</summary>
    public long Steps { get; init; }

    /// <summary>Epoch whose weights were kept, by validation.</summary>
    public int SelectedEpoch { get; init; }

    /// <summary>True where the teacher's weights were bit-identical before and after; also for arms without a teacher.</summary>
    public bool TeacherUnchanged { get; init; } = true;

    /// <summary>SHA-256 of the kept weights file, hexadecimal.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>Things worth telling about this job.</summary>
    public List<string> Notes { get; init; } = [];

    /// <summary>Trials of the tuning that chose this arm's settings; empty where nothing was tuned.</summary>
    public List<TuningTrial> Tuning { get; init; } = [];

    /// <summary>The job's name in events and folders: <c>arm/seed-n</c>.</summary>
    public static string JobName(string arm, int seed) => $"{arm}/seed-{seed}";

    /// <summary>Writes the file atomically.</summary>
    public void Save(string path) => RunJson.Save(path, this);

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    public static JobResult Load(string path) => RunJson.Load<JobResult>(path);
}
