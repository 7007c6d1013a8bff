using DistillSharp.Models;
using static TorchSharp.torch;

namespace DistillSharp.Benchmarks.Variants;

/// <summary>A CIFAR ResNet in evaluation mode whose batch normalisations are part of the convolutions before them.</summary>
internal sealed class FoldedResNet : IDisposable
{
    private readonly Dictionary<string, Tensor> _state;
    private readonly Dictionary<string, (Tensor Weight, Tensor Bias)> _folded = [];

    public FoldedResNet(CifarResNet network, bool channelsLast)
    {
        using var noGradient = no_grad();
        _state = network.state_dict();
        foreach (var weight in _state.Keys.Where(key => _state[key].dim() == 4).ToList())
        {
            var convolution = weight[..^".weight".Length];
            var normalisation = convolution.EndsWith(".0", StringComparison.Ordinal) ? convolution[..^1] + "1" : convolution.Replace("conv", "bn", StringComparison.Ordinal);
            using var scope = NewDisposeScope();
            var factor = _state[normalisation + ".weight"] / (_state[normalisation + ".running_var"] + 1e-5).sqrt();
            var folded = _state[weight] * factor.view(-1, 1, 1, 1);
            var bias = _state[normalisation + ".bias"] - (_state[normalisation + ".running_mean"] * factor);
            _folded[convolution] = ((channelsLast ? ChannelsLast(folded) : folded).MoveToOuterDisposeScope().DetachFromDisposeScope(), bias.DetachFromDisposeScope());
        }
    }

    /// <summary>The same values with the channels innermost in memory.</summary>
    public static Tensor ChannelsLast(Tensor tensor) => tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    public Tensor Logits(Tensor input)
    {
        var value = Convolve(input, "conv1", 1, 1).relu();
        for (var stage = 1; stage <= 3; stage++)
        {
            for (var block = 0; _folded.ContainsKey($"layer{stage}.{block}.conv1"); block++)
            {
                var name = $"layer{stage}.{block}";
                var stride = stage > 1 && block == 0 ? 2 : 1;
                var inner = Convolve(Convolve(value, name + ".conv1", stride, 1).relu(), name + ".conv2", 1, 1);
                var shortcut = _folded.ContainsKey(name + ".downsample.0") ? Convolve(value, name + ".downsample.0", stride, 0) : value;
                value = (inner + shortcut).relu();
            }
        }

        return nn.functional.linear(value.mean([2, 3]), _state["fc.weight"], _state["fc.bias"]);
    }

    public void Dispose()
    {
        foreach (var (weight, bias) in _folded.Values)
        {
            weight.Dispose();
            bias.Dispose();
        }
    }

    private Tensor Convolve(Tensor input, string name, long stride, long padding)
    {
        var (weight, bias) = _folded[name];
        return nn.functional.conv2d(input, weight, bias, [stride, stride], [padding, padding]);
    }
}
