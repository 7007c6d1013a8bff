using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DistillSharp.Tests.Vision.Models;

/// <summary>Layers as plain functions of a state dictionary, for references that share no module with the networks.</summary>
internal sealed class FunctionalReference(IReadOnlyDictionary<string, Tensor> state)
{
    public Tensor Conv(Tensor x, string key, long stride = 1, long groups = 1)
    {
        var weight = state[key + ".weight"];
        var padding = weight.shape[2] / 2;
        return functional.conv2d(x, weight, state.GetValueOrDefault(key + ".bias"), strides: [stride, stride], padding: [padding, padding], groups: groups);
    }

    public Tensor Norm(Tensor x, string key, double epsilon = 1e-5)
    {
        Tensor Channels(string part) => state[$"{key}.{part}"].view(1, -1, 1, 1);
        return ((x - Channels("running_mean")) / (Channels("running_var") + epsilon).sqrt() * Channels("weight")) + Channels("bias");
    }

    public Tensor Linear(Tensor x, string key) => x.matmul(state[key + ".weight"].t()) + state[key + ".bias"];

    public Tensor LayerNorm(Tensor x, string key, double epsilon)
    {
        var mean = x.mean([-1], keepdim: true);
        var variance = (x - mean).square().mean([-1], keepdim: true);
        return ((x - mean) / (variance + epsilon).sqrt() * state[key + ".weight"]) + state[key + ".bias"];
    }

    public static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        var difference = (expected - actual).abs().max().item<float>();
        Assert.True(difference <= 1e-4 * (1 + expected.abs().max().item<float>()), $"differs by {difference}");
        Assert.True(expected.std(unbiased: true).item<float>() > 1e-3, "a constant reference shows nothing");
    }
}
