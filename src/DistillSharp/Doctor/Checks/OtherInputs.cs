using System.Globalization;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Recipes;
using DistillSharp.Signals;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Doctor.Checks;

/// <summary>Tries what a teacher that is wrong may have been trained on instead: other ranges, normalisations, channel orders.</summary>
internal static class OtherInputs
{
    private const int Tried = 64;
    private const double LeastGain = 0.2;
    private static readonly float[] ImageNetMean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] ImageNetDeviation = [0.229f, 0.224f, 0.225f];

    /// <summary>The change of the inputs that makes the teacher most right; null where none gains a fifth.</summary>
    public static (string What, string Remedy)? Explain(DoctorCase subject, ArmPlan arm, IReadOnlyList<int> covered, double accuracy)
    {
        using var noGradient = no_grad();
        using var source = subject.TeacherOf(arm).Open([]);
        var batches = subject.Samples(true, Tried).Epoch(0).Select(batch => batch.To(subject.Device)).ToList();
        try
        {
            var best = Changes(subject).Select(change => (change.What, change.Remedy, Accuracy: Accuracy(source, batches, covered, change.Apply)))
                .Concat(arm.Ensemble is null && subject.TeacherOf(arm).Network is { } network ? [WithBatchStatistics(network, source, batches, covered)] : [])
                .MaxBy(tried => tried.Accuracy);
            return best.Accuracy < accuracy + LeastGain ? null : (string.Create(CultureInfo.InvariantCulture, $"{best.What} it would be {best.Accuracy:P1}"), best.Remedy);
        }
        finally
        {
            batches.ForEach(batch => batch.Dispose());
        }
    }

    private static IEnumerable<(string What, string Remedy, Func<Tensor, Tensor> Apply)> Changes(DoctorCase subject)
    {
        const string Normalise = "Preprocessing differs: set `data.mean` and `data.standard_deviation` (or `data.normalise: false`) to what the teacher was trained with";
        var own = subject.Statistics();
        Tensor Raw(Tensor input) => subject.Normalisation is { } used ? (input * Channels(used.Deviation, input)) + Channels(used.Mean, input) : input;
        Tensor By(Tensor input, IReadOnlyList<float> mean, IReadOnlyList<float> deviation) => (Raw(input) - Channels(mean, input)) / Channels(deviation, input);
        yield return ("with inputs that are not normalised", Normalise, Raw);
        yield return ("with inputs of 0…255", Normalise, input => Raw(input) * 255);
        yield return ("with inputs divided by 255", Normalise, input => Raw(input) / 255);
        yield return ("with inputs of −1…1", Normalise + ", here [0.5] and [0.5] a channel", input => (Raw(input) - 0.5) * 2);
        yield return ("with the training split's own mean and deviation", Normalise + ", here neither", input => By(input, own.Mean, own.Deviation));
        yield return ("with black and white exchanged", "Preprocessing differs: give the data as the teacher saw it, with dark and light exchanged", input => By(1 - Raw(input), [.. (subject.Normalisation ?? Normalisation.None(1)).Mean], [.. (subject.Normalisation ?? Normalisation.None(1)).Deviation]));
        if (subject.Info.InputShape is [3, _, _])
        {
            yield return ("with the mean and deviation of ImageNet", Normalise + ", here [0.485, 0.456, 0.406] and [0.229, 0.224, 0.225]", input => By(input, ImageNetMean, ImageNetDeviation));
            yield return ("with the channels in the order blue, green, red", "The order of channels differs: give the data as the teacher saw it", input => input.flip(1));
        }
    }

    private static Tensor Channels(IReadOnlyList<float> values, Tensor input)
    {
        var shape = Enumerable.Repeat(1L, (int)input.dim()).ToArray();
        shape[Math.Min(1, shape.Length - 1)] = values.Count;
        return tensor(values.ToArray()).view(shape).to(input.device);
    }

    private static double Accuracy(ISignalSource source, List<Batch> batches, IReadOnlyList<int> covered, Func<Tensor, Tensor> change)
    {
        var (right, count) = (0L, 0);
        foreach (var batch in batches)
        {
            using var scope = NewDisposeScope();
            var changed = Batch.Of(change(batch.Input), null, batch.SampleIds);
            var classes = tensor(covered.Select(label => (long)label).ToArray(), device: batch.Input.device);
            right += classes[source.Read(changed).Logits.Value.argmax(-1)].eq(batch.Targets!).sum().ToInt64();
            count += batch.Count;
        }

        return right / (double)count;
    }

    // A file whose running mean and variance are not those of its training is right only with the batch's own.
    private static (string What, string Remedy, double Accuracy) WithBatchStatistics(Network network, ISignalSource source, List<Batch> batches, IReadOnlyList<int> covered)
    {
        using var scope = NewDisposeScope();
        var buffers = network.named_buffers().Select(entry => (entry.buffer, Copy: entry.buffer.clone())).ToList();
        network.train();
        try
        {
            return (
                "with the batch's own statistics in its batch-norm layers", "The running statistics in the file are not those of its training (it was saved in training mode, or without them): save it again from evaluation mode with its buffers",
                Accuracy(source, batches, covered, input => input));
        }
        finally
        {
            network.eval();
            buffers.ForEach(entry => entry.buffer.copy_(entry.Copy));
        }
    }
}
