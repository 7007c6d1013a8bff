using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Methods.Features;

/// <summary>
/// One attention-based fusion of knowledge review (Chen et al., CVPR 2021, figure 3): a stage's features and the fused ones of the
/// deeper stage, weighted by two learned maps; the result goes on to the shallower stage and, convolved, to the loss.
/// </summary>
internal sealed class AttentionFusion : Module
{
    private readonly Sequential conv1;
    private readonly Sequential? att_conv;
    private readonly Sequential conv2;

    public AttentionFusion(long inputs, long middle, long outputs, bool fuses)
        : base("attention_fusion")
    {
        conv1 = Sequential(Conv2d(inputs, middle, 1, bias: false), BatchNorm2d(middle));
        att_conv = fuses ? Sequential(Conv2d(2 * middle, 2, 1), Sigmoid()) : null;
        conv2 = Sequential(Conv2d(middle, outputs, 3, padding: 1, bias: false), BatchNorm2d(outputs));
        RegisterComponents();
    }

    /// <summary>The features for the loss, of the given size, and the fused ones for the next stage.</summary>
    public (Tensor Output, Tensor Fused) Fuse(Tensor feature, Tensor? deeper, long height, long width)
    {
        var own = conv1.call(feature);
        if (att_conv is not null && deeper is not null)
        {
            var carried = Resize(deeper, own.shape[2], own.shape[3]);
            var weights = att_conv.call(cat([own, carried], 1));
            own = (own * weights.narrow(1, 0, 1)) + (carried * weights.narrow(1, 1, 1));
        }

        own = Resize(own, height, width);
        return (conv2.call(own), own);
    }

    private static Tensor Resize(Tensor map, long height, long width) => map.shape[2] == height && map.shape[3] == width
        ? map
        : functional.interpolate(map, [height, width], mode: InterpolationMode.Nearest);
}
