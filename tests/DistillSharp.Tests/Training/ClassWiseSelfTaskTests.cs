using DistillSharp.Config;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public sealed class ClassWiseSelfTaskTests
{
    private static readonly StagePlan Stage = new("main", 0.9, [], null, new TrainingOptions { BatchSize = 5 });

    [Theory]
    [InlineData("class_wise_self", 4.0, 1.0)]
    [InlineData("{scheme: class_wise_self, temperature: 1.5, weight: 2}", 1.5, 2.0)]
    public void Compute_Pairs_PartsEqualNaiveRecomputation(string yaml, double temperature, double weight)
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read(yaml);
        var source = SchemeCase.Loader(TrainingCase.Samples(12, [6], unlabelledEvery: 3), 12, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        using var batch = SchemeCase.First(source);
        var labels = batch.Targets!.data<long>().ToArray();
        var (own, partner) = (SchemeCase.Rows(student.Logits(batch)), SchemeCase.Rows(student.Logits(batch.Partner!)));
        var (hard, divergence) = (0.0, 0.0);
        for (var n = 0; n < labels.Length; n++)
        {
            if (labels[n] >= 0)
            {
                hard += SchemeCase.CrossEntropy(own[n], labels[n]);
                divergence += SchemeCase.Divergence(own[n], partner[n], temperature);
            }
        }

        var parts = task.Compute(batch, Progress.Start);
        Assert.Equal(2, parts.Count);
        SchemeCase.AssertPart(parts.Single(part => part.Name == "hard_labels"), 0.9, hard, 8);
        SchemeCase.AssertPart(parts.Single(part => part.Name == "class_wise"), weight, divergence, 8);
        Assert.All(parts, part => Assert.Equal(part.Term.Count, task.CountOf(part.Name, batch)));
    }

    [Fact]
    public void Compute_ClassWisePart_HasTheGradientOfAFixedTarget()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("class_wise_self");
        var source = SchemeCase.Loader(TrainingCase.Samples(6, [6]), 6, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        using var batch = SchemeCase.First(source);
        task.Compute(batch, Progress.Start).Single(part => part.Name == "class_wise").Term.Sum.backward();

        // Of the last layer's bias: T·(softmax(own/T) − softmax(partner/T)), summed over samples.
        var (own, partner) = (SchemeCase.Rows(student.Logits(batch)), SchemeCase.Rows(student.Logits(batch.Partner!)));
        var gradient = student.get_parameter("fc.bias")!.grad!.data<float>().ToArray();
        for (var k = 0; k < 3; k++)
        {
            var expected = own.Zip(partner, (a, b) => 4 * (Math.Exp(SchemeCase.LogSoftmax(a, 4)[k]) - Math.Exp(SchemeCase.LogSoftmax(b, 4)[k]))).Sum();
            Assert.Equal(expected, gradient[k], 1e-5);
        }
    }

    [Fact]
    public void Constructor_SourceWithoutPairs_SaysWhatIsNeeded()
    {
        using var student = new TrainingCase().Mlp(6, 4);
        var source = SchemeCase.Loader(TrainingCase.Samples(6, [6]), 6, SchemeCase.Read("offline"));
        var error = Assert.Throws<ArgumentException>(() => SchemeCase.Task(SchemeCase.Read("class_wise_self"), SchemeCase.Mlp(4), student, Stage, source));
        Assert.Contains("batches of pairs", error.Message, StringComparison.Ordinal);
    }
}
