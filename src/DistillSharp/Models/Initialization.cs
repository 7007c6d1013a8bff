using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Models;

/// <summary>Initial weights, drawn from torch's global generator.</summary>
public static class Initialization
{
    /// <summary>
    /// Kaiming-normal weights over the outgoing connections for every convolution below <paramref name="network"/>
    /// (He et al., 2015, equation 14); batch-norm starts as the identity, linear layers keep torch's default.
    /// </summary>
    public static void KaimingConvolutions(nn.Module network)
    {
        foreach (var module in network.modules())
        {
            if (module is Convolution convolution)
            {
                nn.init.kaiming_normal_(convolution.weight, mode: nn.init.FanInOut.FanOut, nonlinearity: nn.init.NonlinearityType.ReLU);
            }
        }
    }

    /// <summary>
    /// Kaiming-normal convolutions as above, biases of 0, and linear weights of standard deviation 0.01, as torchvision starts its
    /// VGG and MobileNets.
    /// </summary>
    public static void KaimingWithSmallClassifier(nn.Module network)
    {
        KaimingConvolutions(network);
        foreach (var module in network.modules())
        {
            if (module is Convolution { bias: { } bias })
            {
                nn.init.zeros_(bias);
            }

            if (module is Linear linear)
            {
                nn.init.normal_(linear.weight!, 0, 0.01);
                nn.init.zeros_(linear.bias!);
            }
        }
    }
}
