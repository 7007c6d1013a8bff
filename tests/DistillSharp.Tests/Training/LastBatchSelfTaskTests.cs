using DistillSharp.Config;
using DistillSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public sealed class LastBatchSelfTaskTests
{
    private static readonly StagePlan Stage = new("main", 0.9, [], null, new TrainingOptions { BatchSize = 3, Epochs = 2 });

    [Theory]
    [InlineData("last_batch_self", 3.0, 1.0)]
    [InlineData("{scheme: last_batch_self, temperature: 2, weight: 0.5}", 2.0, 0.5)]
    public void Compute_TwoEpochs_PartsEqualNaiveRecomputation(string yaml, double temperature, double weight)
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(9, 4);
        var scheme = SchemeCase.Read(yaml);
        var source = SchemeCase.Loader(TrainingCase.Samples(7, [1, 3, 3], unlabelledEvery: 5), 3, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        double[][]? last = null;
        var steps = 0;
        for (var epoch = 0; epoch < 2; epoch++)
        {
            foreach (var batch in source.Epoch(epoch, 0, TestContext.Current.CancellationToken))
            {
                using var owned = batch;
                var own = SchemeCase.Rows(student.Logits(batch));
                var (hard, count) = CrossEntropy(own, batch.Targets!);
                var parts = task.Compute(batch, Progress.Start);
                if (last is null)
                {
                    Assert.Null(batch.Partner);
                    SchemeCase.AssertPart(Assert.Single(parts), 0.9, hard, count);
                }
                else
                {
                    var again = SchemeCase.Rows(student.Logits(batch.Partner!));
                    var (repeated, more) = CrossEntropy(again, batch.Partner!.Targets!);
                    Assert.Equal(2, parts.Count);
                    SchemeCase.AssertPart(parts[0], 0.9, hard + repeated, count + more);
                    SchemeCase.AssertPart(parts[1], weight, again.Zip(last, (now, before) => SchemeCase.Divergence(now, before, temperature)).Sum(), last.Length);
                }

                Assert.All(parts, part => Assert.Equal(part.Term.Count, task.CountOf(part.Name, batch)));
                last = own;
                steps++;

                // A step changes the network: what was kept is the prediction before it.
                using var noGradient = no_grad();
                student.get_parameter("fc.weight")!.mul_(-1.2);
            }
        }

        Assert.Equal(6, steps);
    }

    [Fact]
    public void Compute_ConsistencyPart_SendsItsGradientThroughTheNewPredictionAlone()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("last_batch_self");
        var source = SchemeCase.Loader(TrainingCase.Samples(6, [6]), 3, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        var batches = source.Epoch(0, 0, TestContext.Current.CancellationToken).ToList();
        task.Compute(batches[0], Progress.Start);
        task.Compute(batches[1], Progress.Start)[1].Term.Sum.backward();

        // Nothing has changed between the steps and there is but one view: student equals its target, so the gradient is 0.
        Assert.InRange(student.get_parameter("fc.weight")!.grad!.abs().max().ToDouble(), 0, 1e-6);
        batches.ForEach(batch => batch.Dispose());
    }

    [Fact]
    public void Compute_AnotherBatchThanTheLast_SaysSo()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("last_batch_self");
        var source = SchemeCase.Loader(TrainingCase.Samples(6, [6]), 3, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        using var second = source.Epoch(0, 1, TestContext.Current.CancellationToken).First();
        Assert.Contains("not the one of the step before", Assert.Throws<InvalidOperationException>(() => task.Compute(second, Progress.Start)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_AccumulationOrPlainSource_SaysWhatWouldBeRight()
    {
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("last_batch_self");
        var samples = TrainingCase.Samples(6, [6]);
        var accumulating = Stage with { Training = Stage.Training with { Accumulate = 2 } };
        Assert.Contains("accumulate: must be 1", Assert.Throws<ArgumentException>(() =>
            SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, accumulating, SchemeCase.Loader(samples, 3, scheme))).Message, StringComparison.Ordinal);
        Assert.Contains("PreviousBatch, not None", Assert.Throws<ArgumentException>(() =>
            SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, SchemeCase.Loader(samples, 3, SchemeCase.Read("offline")))).Message, StringComparison.Ordinal);
    }

    private static (double Sum, int Count) CrossEntropy(double[][] logits, Tensor targets)
    {
        var labels = targets.data<long>().ToArray();
        var labelled = Enumerable.Range(0, labels.Length).Where(n => labels[n] >= 0).ToList();
        return (labelled.Sum(n => SchemeCase.CrossEntropy(logits[n], labels[n])), labelled.Count);
    }
}
