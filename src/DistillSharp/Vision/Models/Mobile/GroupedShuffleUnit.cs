using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>
/// Unit of ShuffleNet V1 (Zhang et al., 2018, figure 2): grouped 1×1 convolutions around a depthwise one, channels shuffled after the
/// first. At stride 2 the averaged input is put beside the result, else it is added. <c>relu3</c>'s input is the pre-activation.
/// </summary>
public sealed class GroupedShuffleUnit : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly ReLU relu1;
    private readonly ChannelShuffle shuffle1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly ReLU relu2;
    private readonly Conv2d conv3;
    private readonly BatchNorm2d bn3;
    private readonly ReLU relu3;
    private readonly AvgPool2d? shortcut;

    /// <summary>A unit from <paramref name="inputs"/> to <paramref name="outputs"/> channels.</summary>
    /// <param name="inputs">Channels it is given.</param>
    /// <param name="outputs">Channels it makes, those put beside them included.</param>
    /// <param name="halves">Whether the stride is 2.</param>
    /// <param name="groups">Groups of the 1×1 convolutions.</param>
    /// <param name="firstGroups">Groups of the first of them: 1 after the stem, which has few channels.</param>
    public GroupedShuffleUnit(long inputs, long outputs, bool halves, long groups, long firstGroups)
        : base("grouped_shuffle_unit")
    {
        var made = halves ? outputs - inputs : outputs;
        var middle = made / 4;
        conv1 = Layers.Convolution(inputs, middle, 1, groups: firstGroups);
        bn1 = Layers.Norm(middle);
        relu1 = nn.ReLU();
        shuffle1 = new ChannelShuffle(firstGroups);
        conv2 = Layers.Convolution(middle, middle, 3, halves ? 2 : 1, groups: middle);
        bn2 = Layers.Norm(middle);
        relu2 = nn.ReLU();
        conv3 = Layers.Convolution(middle, made, 1, groups: groups);
        bn3 = Layers.Norm(made);
        relu3 = nn.ReLU();
        shortcut = halves ? nn.AvgPool2d(3, stride: 2, padding: 1) : null;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var first = conv1.call(input);
        using var firstNormalised = bn1.call(first);
        using var active = relu1.call(firstNormalised);
        using var shuffled = shuffle1.call(active);
        using var second = conv2.call(shuffled);
        using var secondNormalised = bn2.call(second);
        using var middle = relu2.call(secondNormalised);
        using var third = conv3.call(middle);
        using var thirdNormalised = bn3.call(third);
        using var averaged = shortcut?.call(input);
        using var joined = averaged is null ? thirdNormalised + input : cat([thirdNormalised, averaged], 1);
        return relu3.call(joined);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var value = graph.Module(conv1, input, nameof(conv1));
        value = graph.Module(relu1, graph.Module(bn1, value, nameof(bn1)), nameof(relu1));
        value = graph.Module(shuffle1, value, nameof(shuffle1));
        value = graph.Module(conv2, value, nameof(conv2));
        value = graph.Module(relu2, graph.Module(bn2, value, nameof(bn2)), nameof(relu2));
        value = graph.Module(conv3, value, nameof(conv3));
        value = graph.Module(bn3, value, nameof(bn3));
        value = shortcut is null ? graph.Add(value, input) : graph.Concat([value, graph.Module(shortcut, input, nameof(shortcut))]);
        return graph.Module(relu3, value, nameof(relu3));
    }
}
