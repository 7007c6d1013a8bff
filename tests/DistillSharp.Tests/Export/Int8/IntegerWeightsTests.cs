using DistillSharp.Export.Int8;
using DistillSharp.Export.Onnx;

namespace DistillSharp.Tests.Export.Int8;

/// <summary>Weights and biases of layers as integers.</summary>
public sealed class IntegerWeightsTests
{
    /// <summary>Of a pruned channel only the bias is left, which must not be rounded by the scale of its input.</summary>
    [Fact]
    public void Bias_ChannelWithoutWeights_IsKeptAsItIs()
    {
        const float InputScale = 0.24f;
        float[] bias = [0.37f, -0.1f, 0];
        var weight = OnnxConstant.Of("weight", [3, 2], [0f, 0, 0.5f, -1, 0, 0]);

        var rounded = IntegerWeights.Of(weight, 0, bias, InputScale, new QuantisationOptions());

        Assert.Equal(bias, rounded.Bias(bias, InputScale).Select((value, channel) => value * InputScale * rounded.Scales[channel]), (left, right) => Math.Abs(left - right) < 1e-3);
        Assert.Equal(0.37f, rounded.Bias(bias, InputScale)[0] * InputScale * rounded.Scales[0], 1e-6);
        Assert.All(rounded.Values[..2], value => Assert.Equal(rounded.Values[4], value));
    }
}
