using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using DistillSharp.Tests.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Signals;

public class FeatureTapsTests
{
    [Fact]
    public void Read_PointsOfANetwork_EqualAForwardPassByHand()
    {
        using var scope = NewDisposeScope();
        using var network = new TrainingCase().Mlp(6, 4);
        network.eval();
        using var reader = new SignalReader(network, ["hidden1", "penultimate", "fc1", "fc1:input", "logits"]);
        var batch = Sample();
        var signals = reader.Read(batch);

        var layers = network.named_children().ToDictionary(entry => entry.name, entry => entry.module);
        var before = ((nn.Module<Tensor, Tensor>)layers["fc1"]).forward(batch.Input);
        Assert.Equal(Numbers(batch.Input), Numbers(signals.Features["fc1:input"].Value));
        Assert.Equal(Numbers(before), Numbers(signals.Features["fc1"].Value));
        Assert.Equal(Numbers(before.relu()), Numbers(signals.Features["hidden1"].Value));
        Assert.Equal(Numbers(before.relu()), Numbers(signals.Features["penultimate"].Value));
        Assert.Equal(Numbers(signals.Logits.Value), Numbers(signals.Features["logits"].Value));
    }

    [Fact]
    public void Read_NetworkThatDisposesIntermediates_FeaturesLiveAndCarryGradients()
    {
        using var scope = NewDisposeScope();
        using var network = new Reusing(times: 1);
        using var reader = new SignalReader(network, ["first"]);
        var feature = reader.Read(Sample()).Features["first"].Value;

        feature.square().sum().backward();
        Assert.All(network.parameters().Take(2), parameter => Assert.NotNull(parameter.grad));
    }

    [Theory]
    [InlineData(0, "never fired")]
    [InlineData(2, "fired more than once")]
    public void Read_ModuleUsedNotOnce_SaysHowOften(int times, string message)
    {
        using var scope = NewDisposeScope();
        using var network = new Reusing(times);
        using var reader = new SignalReader(network, ["shared"]);

        var error = Assert.Throws<InvalidOperationException>(() => reader.Read(Sample()));
        Assert.Contains($"reusing: feature shared {message}", error.Message, StringComparison.Ordinal);

        // A failure leaves nothing behind that would be taken for the next pass.
        network.Times = 1;
        Assert.Single(reader.Read(Sample()).Features);
    }

    [Fact]
    public void Read_TwoTapsOnOneNetwork_EachSeesItsOwnPass()
    {
        using var scope = NewDisposeScope();
        using var network = new TrainingCase().Mlp(6, 4);
        using var one = new SignalReader(network, ["hidden1"]);
        using (var other = new SignalReader(network, ["hidden1"]))
        {
            Assert.Equal(Numbers(other.Read(Sample()).Features["hidden1"].Value), Numbers(one.Read(Sample()).Features["hidden1"].Value));
        }

        Assert.Single(one.Read(Sample()).Features);
    }

    [Fact]
    public void Constructor_UnknownPoint_ListsThoseThatExist()
    {
        using var network = new TrainingCase().Mlp(6, 4);
        var error = Assert.Throws<ArgumentException>(() => new SignalReader(network, ["hiden1"]));
        Assert.Contains("mlp has no feature point `hiden1`", error.Message, StringComparison.Ordinal);
        Assert.Contains("did you mean `hidden1`?", error.Message, StringComparison.Ordinal);
        Assert.Contains("penultimate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Probe_TrainingNetwork_ShapesWithoutMovingStatistics()
    {
        using var network = new TrainingCase().Cnn([3, 4]);
        network.train();
        var before = TrainingCase.Numbers(network);
        using var reader = new SignalReader(network, ["layer1", "layer2"]);
        using var input = zeros(5, 1, 4, 4);
        using var batch = Batch.Of(input, null, [0, 1, 2, 3, 4]);
        var shapes = reader.Probe(batch);

        Assert.Equal([5, 3], shapes.Logits);
        Assert.Equal([5, 3, 4, 4], shapes.Features["layer1"]);
        Assert.Equal([5, 4, 4, 4], shapes.Features["layer2"]);
        Assert.True(network.training);
        Assert.Equal(before, TrainingCase.Numbers(network));
    }

    private static float[] Numbers(Tensor values) => values.detach().data<float>().ToArray();

    private static Batch Sample() => Batch.Of((arange(12, ScalarType.Float32).reshape(2, 6) / 10) - 0.4, null, [0, 1]);

    /// <summary>Calls one of its layers as often as it is told, within a Sequential, which disposes what its layers return.</summary>
    private sealed class Reusing : Network
    {
        private readonly Sequential chain;
        private readonly Linear shared;
        private readonly Linear fc;

        public Reusing(int times)
            : base("reusing")
        {
            Times = times;
            chain = nn.Sequential(("first", nn.Linear(6, 6)), ("relu", nn.ReLU()));
            shared = nn.Linear(6, 6);
            fc = nn.Linear(6, 3);
            RegisterComponents();
        }

        public int Times { get; set; }

        public override IReadOnlyList<FeaturePoint> FeaturePoints { get; } = [new("first", "chain.first"), new("shared", "shared")];

        public override Tensor Logits(Batch batch)
        {
            var value = chain.call(batch.Input);
            for (var time = 0; time < Times; time++)
            {
                value = shared.call(value);
            }

            return fc.call(value);
        }
    }
}
