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

    [Theory]
    [InlineData(1, MemoryFormat.ChannelsLast)]
    [InlineData(1, MemoryFormat.Contiguous)]
    [InlineData(2, MemoryFormat.ChannelsLast)]
    [InlineData(2, MemoryFormat.Contiguous)]
    public void Backward_OfAnyWidth_EqualsDoublePrecision(int threads, MemoryFormat format)
    {
        var before = get_num_threads();
        var usedOneDnn = !OperatingSystem.IsLinux() || TorchRuntime.UsesOneDnn();
        set_num_threads(threads);
        try
        {
            foreach (var (inputs, outputs, groups) in new (long, long, long)[] { (1, 16, 1), (3, 16, 1), (4, 2, 1), (5, 7, 1), (6, 10, 1), (8, 8, 1), (10, 10, 1), (16, 16, 1), (16, 32, 1), (20, 20, 1), (24, 40, 1), (24, 24, 24) })
            {
                foreach (var (kernel, stride) in new (long, long)[] { (1, 1), (1, 2), (3, 1), (3, 2) })
                {
                    foreach (var size in new long[] { 1, 4, 9, 16 })
                    {
                        using var scope = NewDisposeScope();
                        using var layer = nn.Conv2d(inputs, outputs, kernel, stride: stride, padding: kernel / 2, groups: groups);
                        var error = ErrorAgainstDoublePrecision(layer, rand(8, inputs, size, size), format);
                        Assert.True(error < 1e-4, $"{inputs} to {outputs} channels, kernel {kernel}, stride {stride}, size {size}: {error}");
                    }
                }
            }
        }
        finally
        {
            set_num_threads(before);
            if (!usedOneDnn)
            {
                TorchRuntime.UseOneDnn(false);
            }
        }
    }

    [Fact]
    public void UseOneDnn_Off_IsOffUntilSwitchedOn()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the switch is found on Linux only");
        var before = TorchRuntime.UsesOneDnn();
        try
        {
            TorchRuntime.UseOneDnn(false);
            Assert.False(TorchRuntime.UsesOneDnn());
            TorchRuntime.UseOneDnn(true);
            Assert.True(TorchRuntime.UsesOneDnn());
        }
        finally
        {
            TorchRuntime.UseOneDnn(before);
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

    // The largest difference among output and gradients, relative to the largest value.
    private static double ErrorAgainstDoublePrecision(TorchSharp.Modules.Conv2d layer, Tensor input, MemoryFormat format)
    {
        using var exact = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size[0], stride: layer.stride[0], padding: layer.padding![0], groups: layer.groups);
        exact.load_state_dict(layer.state_dict());
        exact.to(ScalarType.Float64);
        if (OperatingSystem.IsLinux())
        {
            // As in a process that has not met other widths.
            TorchRuntime.UseOneDnn(true);
        }

        MemoryFormats.Apply(layer, format);
        var inputs = new[] { input.detach().requires_grad_(), input.detach().to(ScalarType.Float64).requires_grad_() };
        var outputs = new[] { layer.forward(inputs[0]), exact.forward(inputs[1]) };
        var direction = randn(outputs[0].shape);
        foreach (var output in outputs)
        {
            (output * direction.to(output.dtype)).sum().backward();
        }

        // The gradient of pictures of one channel is asked for by nobody, and wrong with AVX-512.
        (Tensor Value, Tensor Exact)[] pairs = [(outputs[0], outputs[1]), (layer.weight.grad!, exact.weight.grad!), (layer.bias!.grad!, exact.bias!.grad!), .. layer.in_channels > 1 ? [(inputs[0].grad!, inputs[1].grad!)] : Array.Empty<(Tensor, Tensor)>()];
        return pairs.Max(pair => ((pair.Value.to(ScalarType.Float64) - pair.Exact).abs().max() / pair.Exact.abs().max()).ToDouble());
    }

    private static CifarResNet Network() =>
        new(new CifarResNetOptions { Depth = 8, WidthMultiplier = 1 }, new DatasetInfo("synthetic", [3, 8, 8], ["a", "b", "c"]));
}
