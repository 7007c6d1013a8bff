using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Tests.Training;
using DistillSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>Several live networks as one teacher.</summary>
public sealed class EnsembleTeacherTests
{
    private readonly TrainingCase _case = new();

    [Fact]
    public void Read_TwoNetworks_CombinesLogitsAndKeepsFeaturesApart()
    {
        using var scope = NewDisposeScope();
        var (wide, narrow) = (_case.Mlp(4, 6), _case.Mlp(4, 2));
        using var teacher = Ensemble(Combination.MeanLogits, ("wide", wide), ("narrow", narrow));
        using var source = teacher.Open(["wide.hidden1", "narrow.penultimate"]);
        using var batch = Samples();

        var signals = source.Read(batch);
        var expected = (wide.Logits(batch) + narrow.Logits(batch)) / 2;
        Assert.True(signals.Logits.Value.allclose(expected, 1e-6, 1e-6));
        Assert.Equal([5, 6], signals.Features["wide.hidden1"].Value.shape);
        Assert.Equal([5, 2], signals.Features["narrow.penultimate"].Value.shape);

        var shapes = source.Probe(batch);
        Assert.Equal([5, 3], shapes.Logits);
        Assert.Equal([5, 6], shapes.Features["wide.hidden1"]);
    }

    [Theory]
    [InlineData("hidden1", "`hidden1` must begin with one of wide, narrow")]
    [InlineData("other.hidden1", "`other.hidden1` must begin with one of wide, narrow")]
    [InlineData("wide.hidden9", "has no feature point `hidden9`")]
    public void Open_FeatureThatIsNotThere_SaysHowFeaturesAreNamed(string feature, string expected)
    {
        using var teacher = Ensemble(Combination.MeanLogits, ("wide", _case.Mlp(4, 6)), ("narrow", _case.Mlp(4, 2)));
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => teacher.Open([feature])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MembersOfOtherClasses_NamesTheirShapes()
    {
        using var scope = NewDisposeScope();
        using var teacher = Ensemble(Combination.MeanLogits, ("ten", _case.Mlp(4, 6, 10)), ("three", _case.Mlp(4, 6)));
        using var source = teacher.Open([]);
        using var batch = Samples();
        var error = Assert.Throws<ArgumentException>(() => source.Read(batch));
        Assert.Contains("ten [5, 10], three [5, 3]", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Combination.MeanLogits)]
    [InlineData(Combination.MeanProbabilities)]
    [InlineData(Combination.ConfidenceWeighted)]
    [InlineData(Combination.BestPerSample)]
    public void Compute_EveryCombination_GradientReachesTheStudentAndNoMember(Combination combination)
    {
        using var scope = NewDisposeScope();
        var (wide, narrow, student) = (_case.Mlp(4, 6), _case.Mlp(4, 2), _case.Mlp(4, 3));
        using var teacher = Ensemble(combination, ("wide", wide), ("narrow", narrow));
        var before = teacher.Fingerprint();
        using var batch = Samples();
        var source = new Loader(TrainingCase.Samples(10, [4]), new LoaderOptions { BatchSize = 5 });
        using var task = new OfflineTask(student, teacher, TrainingCase.Stage(new TrainingOptions(), TrainingCase.SoftTargetTerm()), batch, source);

        foreach (var part in task.Compute(batch, new Config.Progress(0, 1)))
        {
            part.Term.Sum.backward(retain_graph: true);
        }

        Assert.All(student.parameters(), parameter => Assert.True(parameter.grad!.abs().sum().ToDouble() > 0));
        Assert.All(wide.parameters().Concat(narrow.parameters()), parameter => Assert.Null(parameter.grad));
        Assert.False(wide.training || narrow.training);
        Assert.Equal(before, teacher.Fingerprint());
    }

    [Fact]
    public void Fingerprint_OneMembersWeightChanges_IsAnother()
    {
        var (wide, narrow) = (_case.Mlp(4, 6), _case.Mlp(4, 2));
        using var teacher = Ensemble(Combination.MeanLogits, ("wide", wide), ("narrow", narrow));
        var before = teacher.Fingerprint();
        using (no_grad())
        {
            narrow.parameters().First().add_(1);
        }

        Assert.NotEqual(before, teacher.Fingerprint());
    }

    [Theory]
    [InlineData(Combination.ConfidenceWeighted)]
    [InlineData(Combination.BestPerSample)]
    public void Read_MembersOfSomeClasses_FindsLabelsAmongThese(Combination combination)
    {
        using var scope = NewDisposeScope();
        float[] first = [2, 0, 0, 3, 1, -1, 0, 2];
        float[] second = [0, 1, 1, 0, 2, 2, 4, 1];
        var options = new CombinerOptions { Combine = combination, Temperature = 2 };
        using var teacher = new EnsembleTeacher(new Dictionary<string, Teacher> { ["one"] = new PartTeacher(first), ["other"] = new PartTeacher(second) }, options);
        using var source = teacher.Open([]);
        using var batch = Batch.Of(zeros(4, 1), tensor(new long[] { 0, 2, 1, -1 }), [0, 1, 2, 3]);

        var found = source.Read(batch).Logits.Value;

        // The classes 0 and 2 are the logits 0 and 1; there is none for class 1.
        var expected = Combiner.Combine(stack([tensor(first, [4, 2]), tensor(second, [4, 2])], 0), tensor(new long[] { 0, 1, -1, -1 }), options);
        Assert.True(expected.allclose(found, 1e-6, 1e-6));
    }

    private static EnsembleTeacher Ensemble(Combination combination, params (string Name, Network Network)[] members) => new(
        members.ToDictionary(member => member.Name, member => (Teacher)new LiveTeacher(member.Network, owned: true)),
        new CombinerOptions { Combine = combination });

    private static Batch Samples()
    {
        var loader = new Loader(TrainingCase.Samples(5, [4]), new LoaderOptions { BatchSize = 5 });
        return loader.Epoch(0).First();
    }

    /// <summary>Says the same about any batch of four samples, in the classes 0 and 2 of the data's.</summary>
    private sealed class PartTeacher(float[] logits) : Teacher
    {
        public override IReadOnlyList<int> CoveredClasses => [0, 2];

        public override ISignalSource Open(IEnumerable<string> features) => new Source(logits);

        public override string Fingerprint() => "part";

        private sealed class Source(float[] logits) : ISignalSource
        {
            public ModelSignals Read(Batch batch) => new(new Signal(tensor(logits, [4, 2])), new Dictionary<string, Signal>());

            public void Dispose()
            {
            }
        }
    }
}
