using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Signals;
using static TorchSharp.torch;

namespace DistillSharp.Evaluation;

/// <summary>Logits [N × classes] row by row and labels [N] of one split.</summary>
public sealed record SplitLogits(float[] Logits, int[] Labels, int Classes);

/// <summary>Runs a network over a split.</summary>
public static class Evaluator
{
    /// <summary>The logits of every sample in the split's order, in evaluation mode; the network's mode is restored.</summary>
    public static SplitLogits Logits(Network network, IBatchSource source, CancellationToken cancellation = default)
    {
        var training = network.training;
        network.eval();
        try
        {
            return Collect(network.Logits, source, network.parameters().First().device, cancellation);
        }
        finally
        {
            network.train(training);
        }
    }

    /// <summary>The logits that any source of signals gives for every sample in the split's order.</summary>
    /// <param name="signals">A file, an ensemble.</param>
    /// <param name="source">The split.</param>
    /// <param name="device">Where the source wants its batches.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static SplitLogits Logits(ISignalSource signals, IBatchSource source, Device device, CancellationToken cancellation = default) =>
        Collect(batch => signals.Read(batch).Logits.Value, source, device, cancellation);

    /// <summary>The logits that an ONNX file of one input gives for every sample in the split's order: its output <c>logits</c>, or its first.</summary>
    public static SplitLogits Logits(OnnxSession session, IBatchSource source, CancellationToken cancellation = default)
    {
        IReadOnlyList<string> output = [session.Outputs.Contains(OnnxExporter.OutputName) ? OnnxExporter.OutputName : session.Outputs[0]];
        return Collect(batch => session.Run(session.Inputs.Keys.First(), batch.Input, output)[0], source, CPU, cancellation);
    }

    private static SplitLogits Collect(Func<Batch, Tensor> read, IBatchSource source, Device device, CancellationToken cancellation)
    {
        using var noGradient = inference_mode();
        var logits = new List<float>();
        var labels = new List<int>(source.SampleCount);
        foreach (var batch in source.Epoch(0, 0, cancellation))
        {
            using var scope = NewDisposeScope();
            using var owned = batch;
            var moved = device.type == TorchSharp.DeviceType.CPU ? batch : batch.To(device);
            var output = read(moved).to(ScalarType.Float32).cpu().contiguous();
            logits.AddRange(output.data<float>().ToArray());
            labels.AddRange((batch.Targets ?? throw new InvalidOperationException("the split has no labels to evaluate on")).data<long>().ToArray().Select(label => (int)label));
        }

        return new SplitLogits([.. logits], [.. labels], labels.Count == 0 ? 0 : logits.Count / labels.Count);
    }
}
