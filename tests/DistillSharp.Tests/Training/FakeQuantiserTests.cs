using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Signals;
using DistillSharp.Tests.Models;
using DistillSharp.Training;
using DistillSharp.Vision.Models.Transformers;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Training;

public sealed class FakeQuantiserTests
{
    [Fact]
    public void RoundActivations_KnownValues_AreOn256LevelsWithZeroAndPassGradients()
    {
        using var scope = NewDisposeScope();
        var values = tensor([-1f, -0.001f, 0f, 0.5f, 0.503f, 1.55f]).requires_grad_();
        var rounded = FakeQuantiser.RoundActivations(values);
        // The step is 2.55 / 255 = 0.01.
        Assert.Equal([-1f, 0f, 0f, 0.5f, 0.5f, 1.55f], rounded.data<float>().ToArray().Select(value => MathF.Round(value, 4)));
        (rounded * tensor([1f, 2f, 3f, 4f, 5f, 6f])).sum().backward();
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], values.grad!.data<float>().ToArray());
    }

    [Fact]
    public void RoundWeights_RowsOfDifferentSize_HaveStepsOfTheirOwn()
    {
        using var scope = NewDisposeScope();
        var rounded = FakeQuantiser.RoundWeights(tensor(new[,] { { 63f, -1.4f, 0.6f }, { 0.63f, 0.014f, 0f }, { 0f, 0f, 0f } }));
        Assert.Equal([63f, -1f, 1f, 0.63f, 0.01f, 0f, 0f, 0f, 0f], rounded.data<float>().ToArray().Select(value => MathF.Round(value, 4)));
    }

    [Fact]
    public void Forward_WhileItLives_IsThatOfTheRoundedNetworkAndLeavesTheWeights()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        var network = new Mlp(new MlpOptions { Widths = [6] }, SampleData.Vectors(5, 3));
        var inputs = randn(7, 5);
        var (first, second) = (network.parameters().Where(parameter => parameter.dim() == 2).First(), network.parameters().Where(parameter => parameter.dim() == 2).Last());
        var biases = network.parameters().Where(parameter => parameter.dim() == 1).ToList();
        var before = network.parameters().Select(parameter => parameter.clone()).ToList();
        using var plain = no_grad();
        var hidden = nn.functional.relu(nn.functional.linear(FakeQuantiser.RoundActivations(inputs), FakeQuantiser.RoundWeights(first), biases[0]));
        var expected = nn.functional.linear(FakeQuantiser.RoundActivations(hidden), FakeQuantiser.RoundWeights(second), biases[1]);
        var fake = new FakeQuantiser(network);
        Assert.Equal(2, fake.Count);
        network.eval();
        Assert.True(network.forward(inputs).allclose(expected, rtol: 1e-5, atol: 1e-6));
        Assert.All(network.parameters().Zip(before), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
        fake.Dispose();
        Assert.False(network.forward(inputs).allclose(expected, rtol: 1e-5, atol: 1e-6));
    }

    [Fact]
    public void Forward_AttentionThatHoldsItsOwnWeights_ProjectsRoundedNumbers()
    {
        using var scope = NewDisposeScope();
        using var plain = no_grad();
        var network = new VisionTransformer(new VisionTransformerOptions { PatchSize = 4, Width = 12, Depth = 2, Heads = 3, MlpWidth = 20 }, SampleData.Images(1, 8, 3));
        network.eval();
        var inputs = randn(5, 1, 8, 8);
        var attention = network.named_modules().First(module => module.name == "encoder.layers.encoder_layer_0.self_attention").module;
        var (weight, bias) = (attention.state_dict()["in_proj_weight"], attention.state_dict()["in_proj_bias"]);
        var original = weight.clone();
        using var fake = new FakeQuantiser(network);
        var given = Seen("encoder.layers.encoder_layer_0.ln_1");
        var expected = nn.functional.linear(FakeQuantiser.RoundActivations(given), FakeQuantiser.RoundWeights(weight), bias);
        // The patches, four products a block, the classifier.
        Assert.Equal(1 + (4 * 2) + 1, fake.Count);
        Assert.True(Scores(expected).allclose(Seen("encoder.layers.encoder_layer_0.self_attention.softmax"), rtol: 1e-4, atol: 1e-5));
        Assert.True(weight.equal(original).all().item<bool>());

        Tensor Seen(string point)
        {
            using var reader = new SignalReader(network, [point]);
            return reader.Read(Batch.Of(inputs.clone(), null, [0, 1, 2, 3, 4])).Features[point].Value;
        }

        // Three heads of four features.
        static Tensor Scores(Tensor projected)
        {
            var parts = projected.reshape(5, 5, 3, 3, 4).permute(2, 0, 3, 1, 4);
            return nn.functional.softmax((parts[0] / 2).matmul(parts[1].transpose(-2, -1)), -1);
        }
    }

    [Fact]
    public void Backward_OfTheRoundedNetwork_ReachesTheWeightsAsTheyAre()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        var network = new Mlp(new MlpOptions { Widths = [] }, SampleData.Vectors(4, 2));
        var weight = network.parameters().First(parameter => parameter.dim() == 2);
        var original = weight.detach().clone();
        var inputs = randn(3, 4);
        using var fake = new FakeQuantiser(network);
        network.forward(inputs).sum().backward();
        network.forward(inputs).sum().backward();
        Assert.False(weight.equal(original).all().item<bool>());
        fake.Restore();
        Assert.True(weight.equal(original).all().item<bool>());
        // d(sum of Wx + b)/dW is the sum of rounded inputs in every row, once for each pass.
        var expected = (2 * FakeQuantiser.RoundActivations(inputs).sum([0])).expand(2, 4);
        Assert.True(weight.grad!.allclose(expected, rtol: 1e-5, atol: 1e-6));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Include_HeadsOfSelfDistillation_ComputeRoundedNumbersWhereTheyAreKept(bool keep)
    {
        using var scope = NewDisposeScope();
        var test = new TrainingCase();
        using var student = test.Mlp(6, 4);
        using var batch = Sample();
        using var fake = new FakeQuantiser(student);
        using var task = Exits(student, batch, keep);
        // The task has looked at the network's shapes.
        fake.Restore();
        test.Fill(task.Companions);
        var own = Copies(student);
        var head = Copies(task.Companions);
        fake.Include(task);
        // Two layers of the network, two of the head.
        Assert.Equal(keep ? 4 : 2, fake.Count);

        var part = task.Compute(batch, Progress.Start).Single(each => each.Name == "head_hidden1.hard_labels");
        var hidden = nn.functional.relu(Rounded(batch.Input, own, "fc1", true));
        var feature = nn.functional.relu(Rounded(hidden, head, "head_hidden1.bottleneck.linear", keep));
        var logits = Rounded(feature, head, "head_hidden1.classifier", keep);
        var expected = nn.functional.cross_entropy(logits, batch.Targets!, reduction: nn.Reduction.Sum);
        Assert.Equal(expected.to(ScalarType.Float64).item<double>(), part.Term.Sum.to(ScalarType.Float64).item<double>(), 1e-4);

        part.Term.Sum.backward();
        fake.Restore();
        Assert.All(task.Companions.state_dict(), entry => Assert.True(entry.Value.equal(head[entry.Key]).all().item<bool>(), entry.Key));
        Assert.All(task.Companions.parameters(), parameter => Assert.NotNull(parameter.grad));

        static Tensor Rounded(Tensor input, Dictionary<string, Tensor> values, string layer, bool rounds) => rounds
            ? nn.functional.linear(FakeQuantiser.RoundActivations(input), FakeQuantiser.RoundWeights(values[layer + ".weight"]), values[layer + ".bias"])
            : nn.functional.linear(input, values[layer + ".weight"], values[layer + ".bias"]);
    }

    [Fact]
    public void Dispose_AfterATaskThatDivergedWithinAStep_LeavesTheNetworksWeights()
    {
        using var scope = NewDisposeScope();
        using var student = new TrainingCase().Mlp(6, 4);
        using var batch = Sample();
        var before = Copies(student);
        var fake = new FakeQuantiser(student);
        using (var task = Exits(student, batch, keep: true))
        {
            fake.Include(task);
            task.Compute(batch, Progress.Start);
        }

        fake.Dispose();
        Assert.All(student.state_dict(), entry => Assert.True(entry.Value.equal(before[entry.Key]).all().item<bool>(), entry.Key));
    }

    private static SelfDistillationTask Exits(Mlp student, Batch batch, bool keep) => new(
        student, new SelfDistillationOptions { Heads = ["hidden1"], KeepHeads = keep, SoftWeight = 0, HintWeight = 0 }, new StagePlan("main", 1, [], null, new TrainingOptions()), batch);

    private static Batch Sample() =>
        Batch.Of(((arange(24, ScalarType.Float32) * 0.7).sin().reshape(4, 6) + 0.1).DetachFromDisposeScope(), tensor(new long[] { 2, 0, 1, 1 }).DetachFromDisposeScope(), [0, 1, 2, 3]);

    private static Dictionary<string, Tensor> Copies(nn.Module module) => module.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
}
