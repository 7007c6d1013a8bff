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
}
