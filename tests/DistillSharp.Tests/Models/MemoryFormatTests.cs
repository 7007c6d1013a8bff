using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Models;

[Collection(nameof(TorchGenerator))]
public sealed class MemoryFormatTests
{
    // Adam divides by the gradient's own size: with a smaller term the rounding of gradients near 0 would be full steps.
    private const double NotTheRoundingOfTinyGradients = 1e-3;

    [Fact]
    public void Apply_ChannelsLast_KeepsParametersValuesAndOutputs()
    {
        using var scope = NewDisposeScope();
        var network = Network();
        var parameters = network.parameters().ToList();
        var before = parameters.ConvertAll(parameter => parameter.detach().clone());
        var input = rand(3, 3, 8, 8);
        var expected = network.forward(input);

        MemoryFormats.Apply(network, MemoryFormat.ChannelsLast);

        Assert.True(network.parameters().Zip(parameters).All(pair => ReferenceEquals(pair.First, pair.Second)));
        Assert.True(parameters.Zip(before).All(pair => pair.First.eq(pair.Second).all().ToBoolean()));
        Assert.Equal([27L, 1, 9, 3], network.get_parameter("conv1.weight")!.stride());
        Assert.InRange((network.forward(input) - expected).abs().max().ToDouble(), 0, 1e-5);
    }

    [Fact]
    public void Apply_Contiguous_TakesItBack()
    {
        using var scope = NewDisposeScope();
        var network = Network();
        var before = network.get_parameter("conv1.weight")!.stride();

        MemoryFormats.Apply(network, MemoryFormat.ChannelsLast);
        MemoryFormats.Apply(network, MemoryFormat.Contiguous);

        Assert.Equal(before, network.get_parameter("conv1.weight")!.stride());
    }

    [Fact]
    public void Apply_ChannelsThatAreNoMultipleOfEight_StayContiguous()
    {
        using var scope = NewDisposeScope();
        using var network = new SmallCnn(new SmallCnnOptions { Channels = [8, 12] }, new DatasetInfo("synthetic", [3, 8, 8], ["a", "b", "c"]));

        MemoryFormats.Apply(network, MemoryFormat.ChannelsLast);

        Assert.All(network.parameters().Where(parameter => parameter.dim() == 4), weight => Assert.True(weight.is_contiguous()));
    }

    [Fact]
    public void Apply_ShortcutOfFewChannels_StaysContiguous()
    {
        using var scope = NewDisposeScope();
        using var block = new BasicBlock(8, 16, 2);

        MemoryFormats.Apply(block, MemoryFormat.ChannelsLast);

        Assert.All(block.parameters().Where(parameter => parameter.dim() == 4), weight => Assert.True(weight.is_contiguous()));
    }

    [Fact]
    public void Backward_OfFewChannelsAmongMemoryOfNaN_ReadsNoneOfIt()
    {
        using var network = new SmallCnn(new SmallCnnOptions { Channels = [4, 12] }, new DatasetInfo("synthetic", [3, 16, 16], ["a", "b", "c"]));
        MemoryFormats.Apply(network, MemoryFormat.ChannelsLast);
        for (var i = 0; i < 20; i++)
        {
            using (NewDisposeScope())
            {
                for (var size = 1; size < 100; size += 3)
                {
                    _ = full([size, 16, 16, 16], float.NaN);
                }
            }

            using var scope = NewDisposeScope();
            var output = network.forward(rand(16, 3, 16, 16));
            output.square().sum().backward();

            Assert.True(output.isfinite().all().ToBoolean());
            Assert.All(network.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().ToBoolean()));
        }
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Adamw)]
    public void Steps_InBothFormats_GiveTheSameWeights(OptimizerKind kind)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var inputs = rand(4, 3, 8, 8);
        var weights = new List<Tensor[]>();
        var first = Network();
        foreach (var format in new[] { MemoryFormat.Contiguous, MemoryFormat.ChannelsLast })
        {
            var network = Network();
            network.load_state_dict(first.state_dict());
            MemoryFormats.Apply(network, format);
            using var optimizer = new Optimizer([.. network.named_parameters().Select(entry => (entry.name, entry.parameter))], new TrainingOptions { Optimizer = kind, Epsilon = NotTheRoundingOfTinyGradients });
            for (var step = 0; step < 5; step++)
            {
                network.forward(inputs).square().mean().backward();
                optimizer.Step(0.01);
            }

            weights.Add([.. network.parameters().Select(parameter => parameter.detach().contiguous())]);
        }

        Assert.All(weights[0].Zip(weights[1]), pair => Assert.InRange((pair.First - pair.Second).abs().max().ToDouble(), 0, 2e-4));
    }

    private static CifarResNet Network() =>
        new(new CifarResNetOptions { Depth = 8, WidthMultiplier = 1 }, new DatasetInfo("synthetic", [3, 8, 8], ["a", "b", "c"]));
}
