using DistillSharp.Data;
using DistillSharp.Models;
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
        var device = network.parameters().First().device;
        network.eval();
        try
        {
            using var noGradient = inference_mode();
            var logits = new List<float>();
            var labels = new List<int>(source.SampleCount);
            foreach (var batch in source.Epoch(0, 0, cancellation))
            {
                using var scope = NewDisposeScope();
                using var owned = batch;
                var moved = device.type == TorchSharp.DeviceType.CPU ? batch : batch.To(device);
                var output = network.Logits(moved).to(ScalarType.Float32).cpu().contiguous();
                logits.AddRange(output.data<float>().ToArray());
                labels.AddRange((batch.Targets ?? throw new InvalidOperationException("the split has no labels to evaluate on")).data<long>().ToArray().Select(label => (int)label));
            }

            return new SplitLogits([.. logits], [.. labels], labels.Count == 0 ? 0 : logits.Count / labels.Count);
        }
        finally
        {
            network.train(training);
        }
    }
}
