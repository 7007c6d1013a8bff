using System.Text.Json;
using DistillSharp.Cli.Commands;
using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Recipes;
using DistillSharp.RunLog;
using DistillSharp.Runs;

namespace DistillSharp.Tests;

/// <summary>Whole runs with <c>teachers:</c>.</summary>
[Collection(nameof(ChainRuns))]
public sealed class SeveralTeachersTests : IDisposable
{
    private const string Teachers =
        """
        teachers:
          wide: {model: mlp, widths: [16]}
          twin: {model: mlp, widths: [16]}
          deep: {model: mlp, widths: [12, 12]}
          combine: COMBINE
          temperature: 2
        objective: {terms: [{method: soft_target, temperature: 2}]}
        seeds: [0, 1]
        """;

    private readonly ChainRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData("mean_logits")]
    [InlineData("best_per_sample")]
    public void Run_EveryMember_IsAnArmAndTheTeacherWhatTheCombinerMakesOfThem(string combine)
    {
        var text = Teachers.Replace("COMBINE", combine, StringComparison.Ordinal);
        var (results, directory, _) = _runs.Run(text);

        Assert.Equal(["teacher.wide", "teacher.twin", "teacher.deep", "teacher", "plain", "soft_target"], results.Arms.Select(arm => arm.Name));
        var teacher = JobResult.Load(directory.JobResultFile("teacher", 0));
        Assert.Equal(ExpectedPredictions(_runs.Read(text), directory, combine == "mean_logits"), teacher.Predictions);
        Assert.Equal(combine == "mean_logits" ? 0 : 1, teacher.Notes.Count);

        var student = JobResult.Load(directory.JobResultFile("soft_target", 1));
        var same = student.Predictions.Zip(teacher.Predictions, (own, theirs) => own == theirs ? 1.0 : 0).Average();
        Assert.Equal(same, student.Metrics["agreement"], 12);
        Assert.True(student.Metrics["teacher_cpu_seconds"] > 0);
        Assert.All(["wide", "twin", "deep"], name => Assert.True(File.Exists(Path.Combine(directory.JobFolder($"teacher.{name}", 0), "teacher.safetensors"))));
        var members = new[] { "wide", "twin", "deep" }.Select(name => JobResult.Load(directory.JobResultFile($"teacher.{name}", 0))).ToList();
        Assert.Equal(members.Sum(member => member.Metrics["parameters"]), teacher.Metrics["parameters"]);
        Assert.Equal(members.Sum(member => member.Metrics["cpu_seconds"]), teacher.Metrics["cpu_seconds"], 9);
        Assert.All(members, member => Assert.DoesNotContain("agreement", member.Metrics.Keys));

        // Twins of one model start from weights of their own, and neither they nor the others are compared with the plain student.
        Assert.NotEqual(members[0].WeightsSha256, members[1].WeightsSha256);
        Assert.Equal(["plain", "soft_target"], results.Differences.SelectMany(difference => new[] { difference.Arm, difference.Against }).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(string.Join(",", members.Select(member => member.WeightsSha256)), ChainRuns.Metadata(directory.WeightsFile("soft_target", 1), Provenance.TeacherSha256));
    }

    [Fact]
    public void Run_SideBySideWithOneTeacherASeed_GivesTheSameBits()
    {
        var text = Teachers.Replace("COMBINE", "confidence_weighted", StringComparison.Ordinal).Replace("widths: [12, 12]", "widths: [12, 12], per_seed: true", StringComparison.Ordinal);
        var one = _runs.Run(text).Directory;
        var two = _runs.Run(text, jobs: 2).Directory;

        Assert.Equal(ChainRuns.Hashes(one), ChainRuns.Hashes(two));
        Assert.True(File.Exists(one.JobResultFile("teacher", 1)) && File.Exists(one.JobResultFile("teacher.deep", 1)));
        Assert.False(File.Exists(one.JobResultFile("teacher.wide", 1)));
    }

    [Fact]
    public void Run_TwoCopiesOfOneTeacher_TeachAsItAloneWould()
    {
        var first = _runs.Run("teacher: {model: mlp, widths: [16]}\nobjective: {terms: [{method: soft_target}]}\nseeds: [0]\n").Directory;
        File.Copy(first.WeightsFile("teacher", 0), _runs.File("given.safetensors"));
        var (results, second, _) = _runs.Run(
            """
            teachers:
              one: {model: mlp, widths: [16], weights: given.safetensors}
              same: {model: mlp, widths: [16], weights: given.safetensors}
              combine: best_per_sample
            objective: {terms: [{method: soft_target}, {method: similarity, student: hidden1, teacher: same.hidden1, weight: 0}]}
            seeds: [0]
            """);

        Assert.Equal(ChainRuns.Hash(first.WeightsFile("soft_target", 0)), ChainRuns.Hash(second.WeightsFile("soft_target", 0)));
        Assert.Equal(JobResult.Load(first.JobResultFile("teacher", 0)).Metrics["top1"], results.Arms.Single(arm => arm.Name == "teacher").Metrics["top1"].Mean);
    }

    [Fact]
    public void Run_AnExportedNetworkAsFile_TeachesAloneAndBesideAnother()
    {
        const string Objective = "objective: {terms: [{method: soft_target}]}\nseeds: [0]\n";
        var first = _runs.Run("teacher: {model: mlp, widths: [16]}\nexport: {onnx: true}\n" + Objective).Directory;
        File.Copy(Path.ChangeExtension(first.WeightsFile("teacher", 0), ".onnx"), _runs.File("teacher.onnx"));
        var (results, second, events) = _runs.Run("teacher: {onnx: teacher.onnx}\n" + Objective);

        Assert.DoesNotContain(events.OfType<JobStarted>(), job => job.Arm == "teacher");
        var (live, file) = (JobResult.Load(first.JobResultFile("teacher", 0)), JobResult.Load(second.JobResultFile("teacher", 0)));
        Assert.Equal(live.Predictions, file.Predictions);
        Assert.Equal(live.Metrics["nll"], file.Metrics["nll"], 5);
        Assert.Equal(new FileInfo(_runs.File("teacher.onnx")).Length, file.Metrics["bytes"]);
        Assert.Equal(Config.FileHash.Sha256(_runs.File("teacher.onnx")), ChainRuns.Metadata(second.WeightsFile("soft_target", 0), Provenance.TeacherSha256));
        var (liveStudent, fileStudent) = (JobResult.Load(first.JobResultFile("soft_target", 0)), JobResult.Load(second.JobResultFile("soft_target", 0)));
        Assert.Equal(liveStudent.Metrics["nll"], fileStudent.Metrics["nll"], 3);
        Assert.NotEmpty(results.Differences);

        var third = _runs.Run("teachers: {file: {onnx: teacher.onnx}, live: {model: mlp, widths: [8]}}\n" + Objective).Directory;
        Assert.Equal(file.Predictions, JobResult.Load(third.JobResultFile("teacher.file", 0)).Predictions);
        Assert.Contains("agreement", JobResult.Load(third.JobResultFile("soft_target", 0)).Metrics.Keys);
    }

    [Fact]
    public void Quantise_SeveralTeachers_HaveTheRowThatTheRunKeptOrItIsSaidWhyNot()
    {
        var text = Teachers.Replace("COMBINE", "mean_logits", StringComparison.Ordinal);
        var directory = _runs.Run(text).Directory;
        var kept = directory.JobResultFile("teacher", 0);
        var members = new[] { "wide", "twin", "deep" }.Select(name => JobResult.Load(directory.JobResultFile($"teacher.{name}", 0)));
        using var trained = TrainedArm.Load(_runs.Read(text), directory, "soft_target", 1, null);

        var table = StudentQuantiser.Quantise(trained, _runs.File("again.int8.onnx"), samples: 50);

        Assert.Equal(["teacher", "student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Equal(kept, table.Rows[0].File);
        Assert.Equal(JobResult.Load(kept).Metrics["top1"], table.Rows[0].Metrics["top1"]);
        Assert.Equal(members.Sum(member => member.Metrics["bytes"]), table.Rows[0].Metrics["bytes"]);
        Assert.DoesNotContain("latency_ms", table.Rows[0].Metrics.Keys);
        Assert.DoesNotContain("without_teacher", JsonSerializer.Serialize(table, RunJson.Line), StringComparison.Ordinal);

        File.Delete(kept);
        table = StudentQuantiser.Quantise(trained, _runs.File("again.int8.onnx"), samples: 50);

        Assert.Equal(["student", "int8"], table.Rows.Select(row => row.Name));
        Assert.Contains(kept, table.WithoutTeacher, StringComparison.Ordinal);
        Assert.Equal(table.WithoutTeacher, QuantiseCommand.Lines(table).Last());
        Assert.Contains("\"without_teacher\":\"no row of the teacher: ", JsonSerializer.Serialize(table, RunJson.Line), StringComparison.Ordinal);
    }

    private static int[] ExpectedPredictions(Recipe recipe, RunDirectory directory, bool logits)
    {
        var data = RunData.Load(recipe, null);
        double[]? sums = null;
        var classes = 0;
        foreach (var member in new[] { "wide", "twin", "deep" })
        {
            using var trained = TrainedArm.Load(recipe, directory, $"teacher.{member}", 0, null);
            var split = Evaluator.Logits(trained.Network, data.Test);
            classes = split.Classes;
            var values = split.Logits.Chunk(classes).SelectMany(row =>
            {
                var total = row.Sum(value => Math.Exp(value / 2));
                return row.Select(value => logits ? value : Math.Exp(value / 2) / total);
            }).ToArray();
            sums = sums is null ? values : [.. sums.Zip(values, (a, b) => a + b)];
        }

        return [.. sums!.Chunk(classes).Select(row => Array.IndexOf(row, row.Max()))];
    }
}
