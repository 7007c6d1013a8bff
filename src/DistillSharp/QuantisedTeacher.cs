using DistillSharp.Export.Onnx;
using DistillSharp.Runs;
using DistillSharp.Teachers;

namespace DistillSharp;

/// <summary>The teacher of a quantised student, as a row beside it.</summary>
internal static class QuantisedTeacher
{
    /// <summary>The row, or why there is none; neither where the run has no teacher.</summary>
    public static (QuantisedRow? Row, string? Why) Row(TrainedArm arm)
    {
        if (arm.Teacher is not { } teacher)
        {
            return (null, null);
        }

        if (teacher.Source is OnnxTeacherOptions { Onnx: var given } && File.Exists(given))
        {
            var metrics = arm.EvaluateSource(teacher);
            metrics["bytes"] = OnnxWeightFiles.Bytes(given, OnnxGraph.Read(given).WeightFiles);
            if (OnnxLatency.IsOfOneSample(given))
            {
                metrics["latency_ms"] = OnnxLatency.MedianMilliseconds(given);
            }

            return (new QuantisedRow(ArmNames.Teacher, given, metrics), null);
        }

        var seed = teacher.SeedFor(arm.Seed);
        var written = Path.ChangeExtension(arm.Directory.WeightsFile(teacher.Name, seed), ".onnx");
        if (File.Exists(written))
        {
            return (StudentQuantiser.Row(ArmNames.Teacher, written, arm.Data), null);
        }

        // Several teachers, or one that is no ONNX file: what the run measured of it, in which sizes are sums. Its latency was not measured.
        var kept = arm.Directory.JobResultFile(teacher.Name, seed);
        return File.Exists(kept)
            ? (new QuantisedRow(ArmNames.Teacher, kept, JobResult.Load(kept).Metrics.Where(entry => entry.Key != "latency_ms").ToDictionary()), null)
            : (null, $"no row of the teacher: {kept}, the result that the run kept of it, is not there; `distill resume` makes it again");
    }
}
