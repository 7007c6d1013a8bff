using DistillSharp.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Models;

public sealed class PlainNetworkTests
{
    [Fact]
    public void Mlp_Forward_EqualsHandWrittenLayers()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new Mlp(new MlpOptions { Widths = [12, 7], Dropout = 0.5, InputDropout = 0.2 }, SampleData.Images(1, 4, 3));
        network.eval();
        var state = network.state_dict();
        var input = randn(5, 1, 4, 4);
        var hidden = functional.relu(functional.linear(input.view(5, 16), state["fc1.weight"], state["fc1.bias"]));
        hidden = functional.relu(functional.linear(hidden, state["fc2.weight"], state["fc2.bias"]));
        var expected = functional.linear(hidden, state["fc.weight"], state["fc.bias"]);
        Assert.True(allclose(expected, network.forward(input)));
        Assert.Equal(["hidden1", "hidden2", "penultimate", "logits"], network.FeaturePoints.Select(point => point.Name));
    }

    [Fact]
    public void Mlp_Dropout_IsActiveInTrainingAlone()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new Mlp(new MlpOptions { Widths = [50], Dropout = 0.5 }, SampleData.Vectors(6, 2));
        var input = randn(4, 6);
        network.train();
        Assert.False(allclose(network.forward(input), network.forward(input)));
        network.eval();
        Assert.True(allclose(network.forward(input), network.forward(input)));
    }

    [Fact]
    public void Mlp_NoHiddenLayers_IsLinear()
    {
        using var scope = NewDisposeScope();
        var network = new Mlp(new MlpOptions { Widths = [] }, SampleData.Vectors(6, 4));
        Assert.Equal(28, network.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal([2L, 4L], network.forward(randn(2, 6)).shape);
    }

    [Fact]
    public void ApplyConstraints_MaxNorm_BoundsHiddenUnitsAndKeepsTheRest()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new Mlp(new MlpOptions { Widths = [4], MaxNorm = 2 }, SampleData.Vectors(3, 2));
        var weight = network.state_dict()["fc1.weight"];
        weight.copy_(tensor(new float[] { 3, 4, 0, /**/ 1, 1, 1, /**/ 0, 0, 0, /**/ 0, 0, -8 }).view(4, 3));
        var classifier = network.state_dict()["fc.weight"];
        classifier.fill_(100);

        network.ApplyConstraints();

        Assert.True(allclose(weight, tensor(new[] { 1.2f, 1.6f, 0, 1, 1, 1, 0, 0, 0, 0, 0, -2 }).view(4, 3)));
        Assert.Equal(100, classifier.max().item<float>());
    }

    [Fact]
    public void SmallCnn_Forward_EqualsHandWrittenLayers()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = new SmallCnn(new SmallCnnOptions { Channels = [4, 5, 6] }, SampleData.Images(2, 7, 3));
        RandomStatistics.Fill(network);
        network.eval();
        var state = network.state_dict();
        var input = randn(2, 2, 7, 7);
        var x = input;
        for (var layer = 1; layer <= 3; layer++)
        {
            x = functional.conv2d(x, state[$"conv{layer}.weight"], padding: [1, 1]);
            x = functional.batch_norm(x, state[$"bn{layer}.running_mean"], state[$"bn{layer}.running_var"], state[$"bn{layer}.weight"], state[$"bn{layer}.bias"], training: false);
            x = functional.relu(x);
            x = layer == 2 ? functional.max_pool2d(x, 2) : x;
        }

        var expected = functional.linear(x.mean([2, 3]), state["fc.weight"], state["fc.bias"]);
        Assert.True(allclose(expected, network.forward(input), rtol: 1e-4, atol: 1e-5));
    }

    [Fact]
    public void SmallCnn_WithoutBatchNorm_HasBiasesInstead()
    {
        using var scope = NewDisposeScope();
        var names = new SmallCnn(new SmallCnnOptions { BatchNorm = false }, SampleData.Images(1, 8, 10)).state_dict().Keys;
        Assert.Contains("conv4.bias", names);
        Assert.DoesNotContain(names, name => name.StartsWith("bn", StringComparison.Ordinal));
    }

    [Fact]
    public void SmallCnn_TooManyPoolings_SaysSo()
    {
        var error = Assert.Throws<ArgumentException>(() => new SmallCnn(new SmallCnnOptions { Channels = [4, 4, 4, 4, 4, 4, 4, 4] }, SampleData.Images(1, 8, 10)));
        Assert.Contains("halves the image 4 times", error.Message);
    }
}
