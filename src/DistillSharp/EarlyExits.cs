using DistillSharp.Evaluation;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using static TorchSharp.torch;

namespace DistillSharp;

/// <summary>One exit of a network as a model of its own.</summary>
/// <param name="Name">Its output in the network's file: <c>exit_…</c>, or <c>logits</c> for the deepest.</param>
/// <param name="File">Its ONNX file, whose output is <c>logits</c>.</param>
/// <param name="Metrics">On the test split, with <c>bytes</c> and <c>latency_ms</c>.</param>
public sealed record EarlyExitRow(string Name, string File, Dictionary<string, double> Metrics);

/// <summary>
/// Takes a network with early exits apart (Zhang et al., Be Your Own Teacher, ICCV 2019): each exit becomes a file that computes no more than it needs, so that
/// a device picks the depth that it can afford.
/// </summary>
public static class EarlyExits
{
    /// <summary>Writes every exit of an arm beside each other and measures it.</summary>
    /// <param name="arm">An arm whose scheme kept its heads.</param>
    /// <param name="path">File of the deepest exit; the others have their names before the ending.</param>
    /// <returns>The exits from the shallowest to the deepest.</returns>
    /// <exception cref="InvalidOperationException">The arm has no exits.</exception>
    public static IReadOnlyList<EarlyExitRow> Write(TrainedArm arm, string path)
    {
        var source = Path.ChangeExtension(arm.Directory.WeightsFile(arm.Arm, arm.Seed), ".onnx");
        var outputs = File.Exists(source) ? OnnxGraph.Read(source).Outputs : [];
        if (outputs.Count < 2)
        {
            throw new InvalidOperationException($"{arm.Arm}/seed-{arm.Seed} has no early exits; train it with `scheme: {{scheme: self_distillation, heads: […], keep_heads: true}}` and export.onnx");
        }

        return [.. outputs.Where(name => name != OnnxExporter.OutputName).Append(OnnxExporter.OutputName).Select(name => Write(arm, source, name, path))];
    }

    private static EarlyExitRow Write(TrainedArm arm, string source, string output, string path)
    {
        var file = output == OnnxExporter.OutputName ? path : Path.ChangeExtension(path, $".{output}{Path.GetExtension(path)}");
        var model = OnnxModel.Read(source);
        model.Keep(output, OnnxExporter.OutputName);
        model.Metadata[Provenance.Exit] = output;
        using var written = new AtomicFile(file);
        model.CopyTo(written.Stream);
        written.Close();
        CheckSame(arm, source, written.TemporaryPath, output);
        written.Commit();
        using var session = new OnnxSession(file);
        var split = Evaluator.Logits(session, arm.Data.Test);
        return new EarlyExitRow(output, file, new Dictionary<string, double>(ClassificationMetrics.Compute(split.Logits, split.Labels, split.Classes).Metrics)
        {
            ["bytes"] = new FileInfo(file).Length,
            ["latency_ms"] = OnnxLatency.MedianMilliseconds(file),
        });
    }

    // The whole file was compared with the live network when it was written; its part is compared with the whole.
    private static void CheckSame(TrainedArm arm, string source, string part, string output)
    {
        using var scope = NewDisposeScope();
        using var batch = arm.Data.Test.Epoch(0).First();
        using var whole = new OnnxSession(source);
        using var session = new OnnxSession(part);
        var (expected, actual) = (whole.Run(whole.Inputs.Keys.First(), batch.Input, [output])[0], session.Run(batch.Input)[0]);
        if (!expected.allclose(actual, rtol: 1e-4, atol: 1e-4))
        {
            throw new ParityException($"exit `{output}` computes something else on its own than within {source}");
        }
    }
}
