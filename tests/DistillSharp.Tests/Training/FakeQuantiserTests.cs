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
}
