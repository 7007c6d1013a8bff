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
    private const double FloatTolerance = 1e-4;

    // Of the largest logit. Runtimes merge other operations where there is less to compute, which turns a rounding here and there.
    private const double IntegerTolerance = 0.05;

    /// <summary>
    /// Writes every exit of an arm beside each other and measures it: of the file that the run measured, which is one of integers where its students learned as such.
    /// </summary>
    /// <param name="arm">An arm whose scheme kept its heads.</param>
    /// <param name="path">File of the deepest exit; the others have their names before the ending.</param>
    /// <returns>The exits from the shallowest to the deepest.</returns>
    /// <exception cref="InvalidOperationException">The arm has no exits.</exception>
    public static IReadOnlyList<EarlyExitRow> Write(TrainedArm arm, string path)
    {
        var source = arm.OnnxFile;
        var exits = File.Exists(source) ? Of(source) : [];
        if (exits.Count < 2)
        {
            throw new InvalidOperationException($"{arm.Arm}/seed-{arm.Seed} has no early exits; train it with `scheme: {{scheme: self_distillation, heads: […], keep_heads: true}}` and export.onnx");
        }

        return [.. exits.Select(name => Take(arm.Data, source, name, name == OnnxExporter.OutputName ? path : Beside(path, name), keep: true))];
    }

    /// <summary>The exits of a file from the shallowest to the deepest; the last is the network's own output, and the only one where there are no early exits.</summary>
    internal static IReadOnlyList<string> Of(string source) =>
        [.. OnnxGraph.Read(source).Outputs.Where(name => name != OnnxExporter.OutputName), OnnxExporter.OutputName];

    /// <summary>The file of an exit beside that of its network.</summary>
    internal static string Beside(string path, string exit) => Path.ChangeExtension(path, $".{exit}{Path.GetExtension(path)}");

    /// <summary>Takes an exit out of its network's file and measures it.</summary>
    /// <param name="data">Samples to measure it on.</param>
    /// <param name="source">The network's file, of floats or of integers.</param>
    /// <param name="exit">Its output there.</param>
    /// <param name="file">Where the exit goes.</param>
    /// <param name="keep">False to measure it and leave no file.</param>
    internal static EarlyExitRow Take(RunData data, string source, string exit, string file, bool keep)
    {
        var model = OnnxModel.Read(source);
        model.Keep(exit, OnnxExporter.OutputName);
        model.Metadata[Provenance.Exit] = exit;
        using var written = new AtomicFile(file);
        model.CopyTo(written.Stream);
        written.Close();
        CheckSame(data, source, written.TemporaryPath, exit, model.Metadata.ContainsKey(Provenance.Quantisation));
        var row = new EarlyExitRow(exit, file, StudentQuantiser.Measure(written.TemporaryPath, data));
        if (keep)
        {
            written.Commit();
        }

        return row;
    }

    // The whole file was compared with the live network when it was written, or was made of one that was; its part is compared with the whole.
    private static void CheckSame(RunData data, string source, string part, string exit, bool isOfIntegers)
    {
        using var scope = NewDisposeScope();
        using var batch = data.Test.Epoch(0).First();
        using var whole = new OnnxSession(source);
        using var session = new OnnxSession(part);
        var (expected, actual) = (whole.Run(whole.Inputs.Keys.First(), batch.Input, [exit])[0], session.Run(batch.Input)[0]);
        var isSame = isOfIntegers
            ? expected.allclose(actual, rtol: 0, atol: IntegerTolerance * expected.abs().max().item<float>())
            : expected.allclose(actual, rtol: FloatTolerance, atol: FloatTolerance);
        if (!isSame)
        {
            throw new ParityException($"exit `{exit}` computes something else on its own than within {source}");
        }
    }
}
