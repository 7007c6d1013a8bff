using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>
/// Residual block of two 3×3 convolutions (He et al., 2016, figure 2): relu(x' + bn(conv(relu(bn(conv(x)))))), where x' is x or,
/// if the size changes, its 1×1 convolution with batch-norm (<c>downsample</c>). <c>relu2</c>'s input is the pre-activation.
/// </summary>
public sealed class BasicBlock : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly ReLU relu1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly ReLU relu2;
    private readonly Sequential? downsample;

    /// <summary>A block from <paramref name="inputs"/> to <paramref name="outputs"/> channels.</summary>
    public BasicBlock(long inputs, long outputs, long stride)
        : base("basic_block")
    {
        conv1 = Layers.Convolution(inputs, outputs, 3, stride);
        bn1 = Layers.Norm(outputs);
        relu1 = nn.ReLU();
        conv2 = Layers.Convolution(outputs, outputs, 3);
        bn2 = Layers.Norm(outputs);
        relu2 = nn.ReLU();
        if (stride != 1 || inputs != outputs)
        {
            downsample = Layers.ConvolutionNorm(inputs, outputs, 1, stride, activation: null);
        }

        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var first = conv1.call(input);
        using var firstNormalised = bn1.call(first);
        using var middle = relu1.call(firstNormalised);
        using var second = conv2.call(middle);
        using var secondNormalised = bn2.call(second);
        using var shortcut = downsample?.call(input);
        // Not in place: bn2's output may be tapped.
        using var sum = secondNormalised + (shortcut ?? input);
        return relu2.call(sum);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var value = graph.Module(conv1, input, nameof(conv1));
        value = graph.Module(bn1, value, nameof(bn1));
        value = graph.Module(relu1, value, nameof(relu1));
        value = graph.Module(conv2, value, nameof(conv2));
        value = graph.Module(bn2, value, nameof(bn2));
        var shortcut = downsample is null ? input : graph.Module(downsample, input, nameof(downsample));
        return graph.Module(relu2, graph.Add(value, shortcut), nameof(relu2));
    }
}
