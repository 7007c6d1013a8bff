using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Evaluation;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Runs;
using DistillSharp.Teachers;
using TorchSharp;

namespace DistillSharp;

/// <summary>Measures what arms reached on validation and test data: trained networks, their files of integers, ensembles and files that nobody trains.</summary>
internal sealed class ArmMeasurement(Recipe recipe, RunDirectory directory, RunData data, ArmNetworks networks, torch.Device device, int threads)
{
    private const float LogitOfNone = 10;

    /// <summary>CPU seconds of a job and of all that it learned from up to the teacher.</summary>
    public static double ChainCost(JobResult job) => job.Metrics.TryGetValue("chain_cpu_seconds", out var chain) ? chain : job.Metrics["cpu_seconds"];

    /// <summary>A trained network on the test split.</summary>
    public MeasuredNetwork Trained(ArmPlan arm, int seed, Network network) => WithAgreement(arm, seed, data.Measure(network, directory.JobFolder(arm.Name, seed)));

    /// <summary>What is deployed where students are of eight-bit integers: the file, not the network that learned to bear it.</summary>
    public (IReadOnlyDictionary<string, double> Validation, MeasuredNetwork Test) OfIntegers(ArmPlan arm, int seed, string file)
    {
        using var session = new OnnxSession(file, threads);
        var (validation, test) = (Evaluator.Logits(session, data.Validation), Evaluator.Logits(session, data.Test));
        return (Metrics(validation), WithAgreement(arm, seed, ((ClassificationData)data).Measure(validation, test)));
    }

    /// <summary>The result of an ensemble or a file: nothing is trained. Members cost and weigh what they do together.</summary>
    public JobResult Untrained(ArmPlan arm, int seed)
    {
        var (validation, test, covered) = Measured(arm, seed);
        var measured = WithAgreement(arm, seed, test);
        if (arm.Source?.File is { } file)
        {
            measured.Metrics["bytes"] = arm.Source is OnnxTeacherOptions ? OnnxWeightFiles.Bytes(file, OnnxGraph.Read(file).WeightFiles) : FileTarget.Of(file).Length;
        }

        var members = arm.Ensemble?.Members.Values.Select(name => networks.ResultOf(name, seed)!).ToList() ?? [];
        foreach (var key in new[] { "parameters", "macs", "bytes", "cpu_seconds" }.Where(key => members.Count > 0 && members.All(member => member.Metrics.ContainsKey(key))))
        {
            measured.Metrics[key] = members.Sum(member => member.Metrics[key]);
        }

        if (!arm.IsTeacher)
        {
            measured.Metrics["chain_cpu_seconds"] = ChainCost(members[^1]);
        }

        return new JobResult
        {
            Arm = arm.Name,
            Seed = seed,
            IsTeacher = arm.IsTeacher,
            Metrics = measured.Metrics,
            Validation = new Dictionary<string, double>(validation),
            Predictions = measured.Predictions,
            PerClass = measured.PerClass,
            Counts = measured.Counts,
            Notes = [.. Notes(arm, covered)],
        };
    }

    /// <summary>An arm that gives classes on the test split, without what it costs.</summary>
    public Dictionary<string, double> OnTest(ArmPlan arm, int seed) => Metrics(LogitsOf(arm, seed, StoredSplit.Test, data.Test).Logits);

    private (IReadOnlyDictionary<string, double> Validation, MeasuredNetwork Test, IReadOnlyList<int>? Covered) Measured(ArmPlan arm, int seed)
    {
        if (data is ClassificationData labelled)
        {
            var (validation, covered) = LogitsOf(arm, seed, StoredSplit.Validation, data.Validation);
            return (Metrics(validation), labelled.Measure(validation, LogitsOf(arm, seed, StoredSplit.Test, data.Test).Logits), covered);
        }

        using var teacher = networks.LoadToMeasure(arm, seed, StoredSplit.Test);
        using var opened = teacher.Open([]);
        var measured = data.Measure(opened);
        return (measured.Validation, measured.Test, null);
    }

    private (SplitLogits Logits, IReadOnlyList<int>? Covered) LogitsOf(ArmPlan arm, int seed, StoredSplit split, IBatchSource source)
    {
        using var teacher = networks.LoadToMeasure(arm, seed, split);
        using var opened = teacher.Open([]);
        return (AllClasses(teacher, Evaluator.Logits(opened, source, device)), teacher.CoveredClasses);
    }

    // A class that the teacher lacks is never its prediction; its probability is small and not 0, so that nll stays a number.
    private SplitLogits AllClasses(Teacher teacher, SplitLogits split)
    {
        if (teacher.CoveredClasses is not { } covered)
        {
            return split;
        }

        var classes = data.Info.Classes.Count;
        var logits = new float[split.Labels.Length * classes];
        for (var row = 0; row < split.Labels.Length; row++)
        {
            var own = split.Logits.AsSpan(row * split.Classes, split.Classes);
            var whole = logits.AsSpan(row * classes, classes);
            whole.Fill(own.ToArray().Min() - LogitOfNone);
            for (var i = 0; i < covered.Count; i++)
            {
                whole[covered[i]] = own[i];
            }
        }

        return new SplitLogits(logits, split.Labels, classes);
    }

    private IEnumerable<string> Notes(ArmPlan arm, IReadOnlyList<int>? covered)
    {
        if (arm.Ensemble is { Combiner: { ReadsLabels: true } combiner })
        {
            yield return $"{ConfigBinder.SnakeCase(combiner.Combine.ToString())} reads labels, which it may in training; on validation and test data it is measured as the mean of its members' probabilities.";
        }

        if (covered is not null)
        {
            var lacking = data.Info.Classes.Where((_, i) => !covered.Contains(i));
            yield return $"The teacher has no output for {string.Join(", ", lacking.Take(12))}: all such samples count as its errors, and its nll over them says nothing.";
        }
    }

    private MeasuredNetwork WithAgreement(ArmPlan arm, int seed, MeasuredNetwork measured)
    {
        if (measured.Predictions.Length > 0 && !arm.IsTeacher && recipe.HasTeacher)
        {
            measured.Metrics["agreement"] = ClassificationMetrics.Agreement(measured.Predictions, networks.ResultOf(ArmNames.Teacher, seed)!.Predictions);
        }

        return measured;
    }

    private static Dictionary<string, double> Metrics(SplitLogits split) => ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics;
}
