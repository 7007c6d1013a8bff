using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Models;

internal static class RandomStatistics
{
    /// <summary>Batch-norm layers with weights and statistics of their own, as after training.</summary>
    public static void Fill(nn.Module network)
    {
        using var noGradient = no_grad();
        foreach (var norm in network.modules().OfType<NormBase>())
        {
            norm.running_mean!.normal_(0, 0.2);
            norm.running_var!.uniform_(0.5, 1.5);
            norm.weight!.uniform_(0.1, 0.5);
            norm.bias!.normal_(0, 0.2);
        }
    }
}
