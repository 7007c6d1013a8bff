using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>Channels scaled by a gate that two small layers compute from their means (Hu et al., 2018), gated by a hard sigmoid as in MobileNet V3.</summary>
public sealed class SqueezeExcitation : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly AdaptiveAvgPool2d avgpool;
    private readonly Conv2d fc1;
    private readonly Conv2d fc2;
    private readonly ReLU activation;
    private readonly Hardsigmoid scale_activation;

    /// <summary>A gate for so many channels, computed by way of <paramref name="squeezed"/>.</summary>
    public SqueezeExcitation(long channels, long squeezed)
        : base("squeeze_excitation")
    {
        avgpool = nn.AdaptiveAvgPool2d(1);
        fc1 = Layers.Convolution(channels, squeezed, 1, bias: true);
        fc2 = Layers.Convolution(squeezed, channels, 1, bias: true);
        activation = nn.ReLU();
        scale_activation = nn.Hardsigmoid();
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var mean = avgpool.call(input);
        using var squeezed = fc1.call(mean);
        using var active = activation.call(squeezed);
        using var excited = fc2.call(active);
        using var gate = scale_activation.call(excited);
        return input * gate;
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var gate = graph.Module(avgpool, input, nameof(avgpool));
        gate = graph.Module(activation, graph.Module(fc1, gate, nameof(fc1)), nameof(activation));
        gate = graph.Module(scale_activation, graph.Module(fc2, gate, nameof(fc2)), nameof(scale_activation));
        return graph.Multiply(input, gate);
    }
}
