using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses.Logits;
using DistillSharp.Methods;
using DistillSharp.Methods.Logits;
using DistillSharp.Signals;
using DistillSharp.Teachers;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

/// <summary>A teacher that has some of the classes: terms compare these, hard labels teach all.</summary>
public sealed class CoveredClassesTests
{
    private static readonly int[] Covered = [0, 2, 3];

    [Fact]
    public void Compute_TermsSeeTheClassesOfTheTeacher_HardLabelsAll()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(4, 6, classes: 4);
        var (logits, input) = (rand(5, 3) * 3, rand(5, 4));
        var batch = Batch.Of(input, tensor([0L, 1, 2, 3, -1]), [0, 1, 2, 3, 4]);
        var dkd = new MethodPlan(DkdMethod.Entry, new DkdOptions(), 1, [], [], "dkd");
        var source = new Loader(TrainingCase.Samples(8, [4], classes: 4), new LoaderOptions { BatchSize = 5 });
        using var task = new OfflineTask(student, new Fixed(logits), TrainingCase.Stage(new TrainingOptions(), TrainingCase.SoftTargetTerm(), dkd), batch, source);
        var parts = task.Compute(batch, new Progress(0, 1)).ToDictionary(part => part.Name, part => part.Term);

        var own = student.Logits(batch);
        var seen = own.index_select(1, tensor([0L, 2, 3]));
        Assert.Equal(HardLabels.CrossEntropy(own, batch.Targets!).Mean.item<float>(), parts["hard_labels"].Mean.item<float>(), 1e-5);
        Assert.Equal(SoftTargetLoss.Compute(seen, logits, 2).Mean.item<float>(), parts["soft_target"].Mean.item<float>(), 1e-5);
        var options = new DkdOptions();
        var expected = DecoupledLoss.Compute(seen, logits, tensor([0L, -1, 1, 2, -1]), options.Alpha, options.Beta, options.Temperature.From);
        Assert.Equal((expected.Mean.item<float>(), 3), (parts["dkd"].Mean.item<float>(), parts["dkd"].Count));
        Assert.Equal((4, 3, 5), (task.CountOf("hard_labels", batch), task.CountOf("dkd", batch), task.CountOf("soft_target", batch)));
    }

    [Fact]
    public void Open_EnsembleOfTeachersWithDifferentClasses_IsRefused()
    {
        var members = new OrderedDictionary<string, Teacher> { ["some"] = new Fixed(zeros(1, 3)), ["all"] = new LiveTeacher(new TrainingCase().Mlp(4, 6, classes: 4)) };
        using var ensemble = new EnsembleTeacher(members, new CombinerOptions());
        Assert.Contains("all has others than some", Assert.Throws<ArgumentException>(() => ensemble.Open([])).Message, StringComparison.Ordinal);
    }

    private sealed class Fixed(Tensor logits) : Teacher
    {
        public override IReadOnlyList<int>? CoveredClasses => Covered;

        public override ISignalSource Open(IEnumerable<string> features) => new Source(logits);

        public override string Fingerprint() => "fixed";

        private sealed class Source(Tensor logits) : ISignalSource
        {
            public ModelSignals Read(Batch batch) => new(new Signal(logits), new Dictionary<string, Signal>());

            public void Dispose()
            {
            }
        }
    }
}
