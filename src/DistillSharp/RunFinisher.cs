using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;
using DistillSharp.Runs.Report;
using DistillSharp.Text.Tokenization;

namespace DistillSharp;

/// <summary>Turns finished jobs into the run's results: latency, comparison, report, and the exported student.</summary>
internal sealed class RunFinisher(Recipe recipe, RunDirectory directory, RunData data, ExperimentOptions options, WorkingTime time)
{
    /// <summary>Writes everything at the top of the run directory.</summary>
    public RunResults Finish(IReadOnlyList<ArmPlan> arms)
    {
        var jobs = Finished(arms).Select(WithLatency).ToList();
        var results = Compare(arms, jobs);
        ExportBest(jobs);
        return results;
    }

    /// <summary>Writes comparison and report of the jobs that have finished so far; those that have not are named in it.</summary>
    public void WriteProgress(IReadOnlyList<ArmPlan> arms)
    {
        var jobs = Finished(arms).Select(job => JobResult.Load(directory.JobResultFile(job.Arm, job.Seed))).ToList();
        if (jobs.Count > 0)
        {
            Compare(arms, jobs);
        }
    }

    /// <summary>True where a job has finished.</summary>
    public bool HasFinished(IReadOnlyList<ArmPlan> arms) => Finished(arms).Any();

    private IEnumerable<(string Arm, int Seed)> Finished(IReadOnlyList<ArmPlan> arms) =>
        arms.SelectMany(arm => arm.Seeds.Select(seed => (arm.Name, seed))).Where(job => File.Exists(directory.JobResultFile(job.Name, job.seed)));

    private RunResults Compare(IReadOnlyList<ArmPlan> arms, List<JobResult> jobs)
    {
        var (started, seconds) = time.Total();
        var environment = EnvironmentInfo.Load(directory.EnvironmentFile);
        var results = Comparison.Build(jobs, data.TestLabels, data.Info.Classes, recipe.Name, new ComparisonOptions
        {
            PrimaryMetric = data.PrimaryMetric,
            Metrics = recipe.Metrics,
            Command = options.Command,
            Commit = environment.Commit,
            Machine = environment.Machine,
            Started = started,
            Seconds = seconds,
            PlannedJobs = [.. arms.SelectMany(arm => arm.Seeds.Select(seed => JobResult.JobName(arm.Name, seed)))],
            Data = data.Fingerprint(),
        });
        results.Save(directory.ResultsFile);
        HtmlReport.Save(directory.ReportFile, new ReportContent
        {
            Results = results,
            Events = File.Exists(directory.EventsFile) ? [.. JsonLinesReader.Read(directory.EventsFile)] : [],
            Recipe = File.ReadAllText(directory.RecipeFile),
            Environment = environment,
            Metrics = recipe.Metrics,
        });
        return results;
    }

    // Measured here, when no training runs beside it. Networks of sequences have no one sample that stands for all.
    private JobResult WithLatency((string Arm, int Seed) finished)
    {
        var file = directory.JobResultFile(finished.Arm, finished.Seed);
        var job = JobResult.Load(file);
        var weights = directory.WeightsFile(finished.Arm, finished.Seed);
        var onnx = new[] { ".int8.onnx", ".onnx" }.Select(ending => Path.ChangeExtension(weights, ending)).FirstOrDefault(File.Exists) ?? "";
        if (!recipe.Evaluation.Latency || job.Metrics.ContainsKey("latency_ms") || !File.Exists(onnx) || !OnnxLatency.IsOfOneSample(onnx))
        {
            return job;
        }

        job.Metrics["latency_ms"] = OnnxLatency.MedianMilliseconds(onnx);
        job.Save(file);
        return job;
    }

    private void ExportBest(List<JobResult> jobs)
    {
        var arm = Arms.Exported(recipe);
        var best = jobs.Where(job => job.Arm == arm).OrderByDescending(job => job.Validation.GetValueOrDefault(data.SelectionMetric)).ThenBy(job => job.Seed).FirstOrDefault();
        if (best is null)
        {
            return;
        }

        var weights = directory.WeightsFile(best.Arm, best.Seed);
        Copy(weights, directory.StudentFile);
        var folder = Path.GetDirectoryName(weights)!;
        foreach (var file in Directory.EnumerateFiles(folder, "student*.onnx").Concat(VocabularyFiles.All.Select(name => Path.Combine(folder, name)).Where(File.Exists)))
        {
            Copy(file, Path.Combine(directory.Path, Path.GetFileName(file)));
        }

        var onnx = Path.ChangeExtension(weights, ".onnx");
        if (File.Exists(onnx))
        {
            Copy(onnx, directory.OnnxFile);
        }

        var int8 = Path.ChangeExtension(weights, ".int8.onnx");
        if (File.Exists(int8))
        {
            Copy(int8, directory.Int8File);
        }
    }

    private static void Copy(string source, string destination) => AtomicFile.Write(destination, stream =>
    {
        using var input = File.OpenRead(source);
        input.CopyTo(stream);
    });
}
