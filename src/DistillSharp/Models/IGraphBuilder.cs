using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>A value in a graph under construction: its name and its shape with batch size 1.</summary>
public readonly record struct GraphValue(string Name, IReadOnlyList<long> Shape);

/// <summary>
/// A module that can say what it computes, operation by operation. The ONNX writer and the counter of multiply-adds are
/// two listeners. Every description is checked against the live module when it is exported.
/// </summary>
public interface INetworkGraph
{
    /// <summary>Adds the module's operations in evaluation mode and returns the value it computes.</summary>
    GraphValue Describe(IGraphBuilder graph, GraphValue input);
}

/// <summary>What a network can be described with. Modules that are no <see cref="INetworkGraph"/> must be ones that <see cref="Module"/> knows.</summary>
public interface IGraphBuilder
{
    /// <summary>
    /// A child module: convolution, batch-norm, layer norm, linear, activation, pooling, flatten, dropout (nothing), Sequential, or any
    /// <see cref="INetworkGraph"/>. The name becomes the prefix of the nodes' names.
    /// </summary>
    /// <exception cref="NotSupportedException">A module type that cannot be described, named with its path.</exception>
    GraphValue Module(nn.Module module, GraphValue input, string name);

    /// <summary>The value at a feature point of what was described so far; null where no such module was described.</summary>
    GraphValue? ValueAt(FeaturePoint point);

    /// <summary>A parameter of the module that describes itself, as a value without a batch: its first axis must be 1.</summary>
    GraphValue Parameter(Tensor value, string name);

    /// <summary>Element-wise sum of two values of one shape.</summary>
    GraphValue Add(GraphValue left, GraphValue right);

    /// <summary>Element-wise product of two values; axes of length 1 are repeated.</summary>
    GraphValue Multiply(GraphValue left, GraphValue right);

    /// <summary>Every element times a number.</summary>
    GraphValue Scale(GraphValue input, double factor);

    /// <summary>Products of the matrices in the last two axes: […, I, K] × […, K, J] → […, I, J].</summary>
    GraphValue MatMul(GraphValue left, GraphValue right);

    /// <summary>x·Wᵀ + b over the last axis, for weights that no linear layer holds: […, D] → […, C].</summary>
    GraphValue Linear(GraphValue input, Tensor weight, Tensor? bias, string weightName, string biasName);

    /// <summary>The same elements in another shape, given without the batch axis.</summary>
    GraphValue Reshape(GraphValue input, params long[] shape);

    /// <summary>Axes in another order; the first must stay.</summary>
    GraphValue Transpose(GraphValue input, params long[] axes);

    /// <summary>A part of one axis other than the first.</summary>
    GraphValue Slice(GraphValue input, int axis, long start, long length);

    /// <summary>Zeros before and after one axis other than the first.</summary>
    GraphValue Pad(GraphValue input, int axis, long before, long after);

    /// <summary>max(0, x).</summary>
    GraphValue Relu(GraphValue input);

    /// <summary>Mean over all spatial axes: [N, C, H, W] → [N, C].</summary>
    GraphValue GlobalAveragePool(GraphValue input);

    /// <summary>[N, …] → [N, product].</summary>
    GraphValue Flatten(GraphValue input);

    /// <summary>Values of several inputs joined along the channel axis (1).</summary>
    GraphValue Concat(IReadOnlyList<GraphValue> inputs);

    /// <summary>
    /// Sub-sampled spatial axes and zero-padded channels, the parameter-free shortcut ("option A") of CIFAR ResNets:
    /// [N, C, H, W] → [N, channels, H/stride, W/stride], zeros on both sides of the old channels.
    /// </summary>
    GraphValue PadShortcut(GraphValue input, int stride, int channels);
}
