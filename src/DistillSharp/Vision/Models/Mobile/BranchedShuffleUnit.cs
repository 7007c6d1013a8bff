using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>
/// Unit of ShuffleNet V1 in its authors' code: a grouped 1×1 convolution and a depthwise one, channels shuffled, a grouped 1×1 convolution. At
/// stride 2 the averaged input is put before the result, else it is added. Where it is added, <c>relu</c>'s input is the pre-activation.
/// </summary>
public sealed class BranchedShuffleUnit : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly Sequential branch_main_1;
    private readonly ChannelShuffle shuffle;
    private readonly Sequential branch_main_2;
    private readonly AvgPool2d? branch_proj;
    private readonly ReLU relu;

    /// <summary>A unit from <paramref name="inputs"/> to <paramref name="outputs"/> channels.</summary>
    /// <param name="inputs">Channels it is given.</param>
    /// <param name="outputs">Channels it makes, those put beside them included; a quarter of them between its convolutions.</param>
    /// <param name="halves">Whether the stride is 2.</param>
    /// <param name="groups">Groups of the 1×1 convolutions.</param>
    /// <param name="firstGroups">Groups of the first of them: 1 after the stem, which has few channels.</param>
    public BranchedShuffleUnit(long inputs, long outputs, bool halves, long groups, long firstGroups)
        : base("branched_shuffle_unit")
    {
        var (made, middle) = (halves ? outputs - inputs : outputs, outputs / 4);
        branch_main_1 = Layers.Chain(
            Layers.Convolution(inputs, middle, 1, groups: firstGroups),
            Layers.Norm(middle),
            nn.ReLU(),
            Layers.Convolution(middle, middle, 3, halves ? 2 : 1, groups: middle),
            Layers.Norm(middle));
        // The authors' code deals channels out in the other direction than the paper's figure: (c, g) becomes (g, c).
        shuffle = new ChannelShuffle(middle / groups);
        branch_main_2 = Layers.Chain(Layers.Convolution(middle, made, 1, groups: groups), Layers.Norm(made));
        branch_proj = halves ? nn.AvgPool2d(3, stride: 2, padding: 1) : null;
        relu = nn.ReLU();
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var first = branch_main_1.call(input);
        using var shuffled = shuffle.call(first);
        using var made = branch_main_2.call(shuffled);
        if (branch_proj is null)
        {
            using var sum = made + input;
            return relu.call(sum);
        }

        using var averaged = branch_proj.call(input);
        using var active = relu.call(made);
        return cat([averaged, active], 1);
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var value = graph.Module(branch_main_1, input, nameof(branch_main_1));
        value = graph.Module(shuffle, value, nameof(shuffle));
        value = graph.Module(branch_main_2, value, nameof(branch_main_2));
        return branch_proj is null
            ? graph.Module(relu, graph.Add(value, input), nameof(relu))
            : graph.Concat([graph.Module(branch_proj, input, nameof(branch_proj)), graph.Module(relu, value, nameof(relu))]);
    }
}
