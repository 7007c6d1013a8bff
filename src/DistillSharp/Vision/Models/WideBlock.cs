using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models;

/// <summary>
/// Residual block that normalises before it convolves: x + conv(relu(bn(conv(relu(bn(x)))))) (Zagoruyko and Komodakis, 2016). Where
/// the width changes, relu(bn(x)) also goes through a 1×1 convolution in place of x.
/// </summary>
public sealed class WideBlock : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly BatchNorm2d bn1;
    private readonly ReLU relu1;
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn2;
    private readonly ReLU relu2;
    private readonly InvertedDropout dropout;
    private readonly Conv2d conv2;
    private readonly Conv2d? convShortcut;

    /// <summary>A block from <paramref name="inputs"/> to <paramref name="outputs"/> channels.</summary>
    public WideBlock(long inputs, long outputs, long stride, double dropout)
        : base("wide_block")
    {
        bn1 = Layers.Norm(inputs);
        relu1 = nn.ReLU();
        conv1 = Layers.Convolution(inputs, outputs, 3, stride);
        bn2 = Layers.Norm(outputs);
        relu2 = nn.ReLU();
        this.dropout = new InvertedDropout(dropout);
        conv2 = Layers.Convolution(outputs, outputs, 3);
        convShortcut = inputs == outputs ? null : Layers.Convolution(inputs, outputs, 1, stride);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var normalised = bn1.call(input);
        using var active = relu1.call(normalised);
        using var first = conv1.call(active);
        using var firstNormalised = bn2.call(first);
        using var middle = relu2.call(firstNormalised);
        using var dropped = dropout.call(middle);
        using var second = conv2.call(dropped);
        using var shortcut = convShortcut?.call(active);
        return second + (shortcut ?? input);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var active = graph.Module(relu1, graph.Module(bn1, input, nameof(bn1)), nameof(relu1));
        var value = graph.Module(conv1, active, nameof(conv1));
        value = graph.Module(bn2, value, nameof(bn2));
        value = graph.Module(relu2, value, nameof(relu2));
        value = graph.Module(dropout, value, nameof(dropout));
        value = graph.Module(conv2, value, nameof(conv2));
        return graph.Add(value, convShortcut is null ? input : graph.Module(convShortcut, active, nameof(convShortcut)));
    }
}
