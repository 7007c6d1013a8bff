using DistillSharp.Config;
using DistillSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public sealed class ProgressiveSelfTaskTests
{
    private static readonly StagePlan Stage = new("main", 1, [], null, new TrainingOptions { BatchSize = 3, Epochs = 4 });

    [Fact]
    public void Compute_ThreeEpochs_TotalEqualsCrossEntropyWithTheRefinedTargets()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("{scheme: progressive_self, alpha: 0.6}");
        var source = SchemeCase.Loader(TrainingCase.Samples(7, [6], unlabelledEvery: 4), 3, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        var previous = new Dictionary<long, double[]>();
        for (var epoch = 0; epoch < 3; epoch++)
        {
            var alpha = 0.6 * (epoch + 1) / 4;
            var done = 0;
            foreach (var batch in source.Epoch(epoch, 0, TestContext.Current.CancellationToken))
            {
                using var owned = batch;
                var labels = batch.Targets!.data<long>().ToArray();
                var logits = SchemeCase.Rows(student.Logits(batch));
                var (expected, count) = (0.0, 0);
                for (var n = 0; n < labels.Length; n++)
                {
                    if (labels[n] >= 0)
                    {
                        count++;
                        for (var k = 0; k < 3; k++)
                        {
                            var label = k == labels[n] ? 1.0 : 0;
                            var before = previous.GetValueOrDefault(batch.SampleIds[n])?[k] ?? label;
                            expected -= (((1 - alpha) * label) + (alpha * before)) * SchemeCase.LogSoftmax(logits[n])[k];
                        }
                    }

                    previous[batch.SampleIds[n]] = [.. SchemeCase.LogSoftmax(logits[n]).Select(Math.Exp)];
                }

                var parts = task.Compute(batch, new Progress(epoch + (done / 3.0), 4));
                Assert.Equal(expected, parts.Sum(part => part.Weight * part.Term.Sum.ToDouble()), 1e-4);
                Assert.Equal([1 - alpha, alpha], parts.Select(part => part.Weight));
                Assert.All(parts, part => Assert.Equal(count, part.Term.Count));
                Assert.All(parts, part => Assert.Equal(count, task.CountOf(part.Name, batch)));
                done++;
            }

            // Between epochs the network changes, so that a prediction of this epoch differs from one of the epoch before.
            using var noGradient = no_grad();
            student.get_parameter("fc.weight")!.mul_(-1.3);
        }
    }

    [Theory]
    [InlineData(0, 0.08)]
    [InlineData(0.999, 0.08)]
    [InlineData(9, 0.8)]
    [InlineData(9.5, 0.8)]
    public void WeightAt_Epoch_RisesToAlphaInTheLastOne(double epoch, double expected) =>
        Assert.Equal(expected, ProgressiveSelfTask.WeightAt(0.8, new Progress(epoch, 10)), 1e-12);

    [Fact]
    public void Constructor_SavedMemory_IsOneRowASample()
    {
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("progressive_self");
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, SchemeCase.Loader(TrainingCase.Samples(7, [6]), 3, scheme));

        var buffers = task.Companions.named_buffers().ToDictionary(entry => entry.name, entry => entry.buffer.shape);
        Assert.Equal([7, 3], buffers["memory.probabilities"]);
        Assert.Equal([7], buffers["memory.ids"]);
        Assert.Equal(student.parameters().Count(), task.TrainedParameters.Count);
    }
}
