using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Losses.Logits;
using DistillSharp.Models;
using DistillSharp.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public sealed class MutualLearningTaskTests
{
    private static readonly StagePlan Stage = new("main", 0.7, [], null, new TrainingOptions { BatchSize = 4 });

    [Theory]
    [InlineData("{scheme: mutual_learning}", 1.0, 1.0)]
    [InlineData("{scheme: mutual_learning, count: 3, temperature: 2, weight: 0.5, peers: [{model: mlp, widths: [5, 4]}]}", 2.0, 0.5)]
    public void Compute_EveryNetwork_PartsEqualNaiveRecomputation(string yaml, double temperature, double weight)
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read(yaml);
        var source = SchemeCase.Loader(TrainingCase.Samples(4, [6], unlabelledEvery: 3), 4, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        using var batch = SchemeCase.First(source);
        var labels = batch.Targets!.data<long>().ToArray();
        var networks = new[] { (Network)student }.Concat(task.Companions.children().Cast<Network>()).ToArray();
        var logits = networks.Select(network => SchemeCase.Rows(network.Logits(batch))).ToArray();
        var parts = task.Compute(batch, Progress.Start);

        Assert.Equal(((MutualLearningOptions)scheme.Options).Count, networks.Length);
        Assert.Equal(2 * networks.Length, parts.Count);
        for (var i = 0; i < networks.Length; i++)
        {
            var (hard, mutual) = (0.0, 0.0);
            for (var n = 0; n < 4; n++)
            {
                hard += labels[n] < 0 ? 0 : SchemeCase.CrossEntropy(logits[i][n], labels[n]);
                for (var j = 0; j < networks.Length; j++)
                {
                    mutual += j == i ? 0 : SchemeCase.Divergence(logits[i][n], logits[j][n], temperature) / (networks.Length - 1);
                }
            }

            var prefix = i == 0 ? "" : $"peer{i + 1}.";
            SchemeCase.AssertPart(parts.Single(part => part.Name == prefix + "hard_labels"), 0.7, hard, 3);
            SchemeCase.AssertPart(parts.Single(part => part.Name == prefix + "mutual"), weight, mutual, 4);
        }

        Assert.All(parts, part => Assert.Equal(part.Term.Count, task.CountOf(part.Name, batch)));
    }

    [Fact]
    public void Compute_SequencesWithPadding_CountValidPositionsAlone()
    {
        using var scope = NewDisposeScope();
        var entry = new ModelEntry("positions", "a linear layer at every position", "none", typeof(NamedModelOptions), _ => ["logits"], (_, _) => new Positions());
        var scheme = SchemeCase.Read("mutual_learning");
        using var student = new Positions();
        var batch = Batch.Of(rand(2, 3, 4), tensor([1L, 0, -1, 2, -1, -1]).reshape(2, 3), [0, 1]);
        var source = new Loader(TrainingCase.Samples(4, [4]), new LoaderOptions { BatchSize = 4 });
        using var task = scheme.Entry.CreateTask(scheme.Options, new TaskContext(student, new ModelSpec(entry, new NamedModelOptions()), null, Stage, batch, source));
        var parts = task.Compute(batch, Progress.Start);

        var index = tensor([0L, 1, 3]);
        Tensor Valid(Network network) => network.Logits(batch).reshape(6, 3).index_select(0, index);
        var peer = (Network)task.Companions.children().Single();
        var expected = SoftTargetLoss.Compute(Valid(student), Valid(peer), 1);
        var mutual = parts.Single(part => part.Name == "mutual").Term;
        Assert.Equal((3.0, expected.Sum.item<float>()), (mutual.Count, mutual.Sum.item<float>()));
        Assert.All(parts, part => Assert.Equal(part.Term.Count, task.CountOf(part.Name, batch)));
    }

    [Fact]
    public void Compute_MutualPartOfTheStudent_SendsNoGradientToItsPeer()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("mutual_learning");
        var source = SchemeCase.Loader(TrainingCase.Samples(4, [6]), 4, scheme);
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, source);
        using var batch = SchemeCase.First(source);
        task.Compute(batch, Progress.Start).Single(part => part.Name == "mutual").Term.Sum.backward();

        Assert.All(student.parameters(), parameter => Assert.NotNull(parameter.grad));
        Assert.All(task.Companions.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Constructor_Peers_HaveWeightsOfTheirOwnAndAreTrained()
    {
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("{scheme: mutual_learning, count: 3}");
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, SchemeCase.Loader(TrainingCase.Samples(4, [6]), 4, scheme));

        var first = TrainingCase.Numbers(student)["fc.weight"];
        var companions = TrainingCase.Numbers(task.Companions);
        Assert.NotEqual(first, companions["peer2.fc.weight"]);
        Assert.NotEqual(companions["peer2.fc.weight"], companions["peer3.fc.weight"]);
        Assert.Equal(3 * student.parameters().Count(), task.TrainedParameters.Count);
    }

    [Fact]
    public void AfterStep_PeersWithMaxNorm_AreBroughtBackToo()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        var scheme = SchemeCase.Read("{scheme: mutual_learning, peers: [{model: mlp, widths: [4], max_norm: 0.1}]}");
        using var task = SchemeCase.Task(scheme, SchemeCase.Mlp(4), student, Stage, SchemeCase.Loader(TrainingCase.Samples(4, [6]), 4, scheme));
        task.AfterStep();

        var rows = SchemeCase.Rows(task.Companions.get_parameter("peer2.fc1.weight")!);
        Assert.All(rows, row => Assert.InRange(Math.Sqrt(row.Sum(value => value * value)), 0, 0.1001));
    }

    private sealed class Positions : Network
    {
        private readonly Linear fc;

        public Positions()
            : base("positions")
        {
            fc = nn.Linear(4, 3);
            RegisterComponents();
        }

        public override IReadOnlyList<FeaturePoint> FeaturePoints => [new("logits", "fc")];

        public override Tensor Logits(Batch batch) => fc.call(batch.Input);
    }
}
