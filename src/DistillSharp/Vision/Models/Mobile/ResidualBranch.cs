using DistillSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Vision.Models.Mobile;

/// <summary>
/// The block of MobileNet V2 and V3: layers that widen, convolve each channel and narrow again, whose result is added to the input
/// where both have one shape (Sandler et al., 2018, figure 3).
/// </summary>
public sealed class ResidualBranch : nn.Module<Tensor, Tensor>, INetworkGraph
{
    private readonly string _name;
    private readonly Sequential _branch;
    private readonly bool _adds;

    /// <summary>A block of these layers.</summary>
    /// <param name="name">Name under which the layers' parameters are stored.</param>
    /// <param name="branch">The layers.</param>
    /// <param name="adds">Whether the input is added.</param>
    public ResidualBranch(string name, Sequential branch, bool adds)
        : base("residual_branch")
    {
        (_name, _branch, _adds) = (name, branch, adds);
        register_module(name, branch);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        var value = _branch.call(input);
        if (!_adds)
        {
            return value;
        }

        using (value)
        {
            return input + value;
        }
    }

    /// <inheritdoc/>
    public GraphValue Describe(IGraphBuilder graph, GraphValue input)
    {
        var value = graph.Module(_branch, input, _name);
        return _adds ? graph.Add(input, value) : value;
    }
}
