using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Vision.Models;

namespace DistillSharp.Tests.Vision.Models;

internal static class VisionModelFigures
{
    public static SingleInputNetwork WithoutValues(ModelSpec spec, DatasetInfo data) => (SingleInputNetwork)VisionModels.CreateWithoutValues(spec, data);

    /// <summary>What no module of its own computes: none, for networks without attention.</summary>
    public static long AttentionMultiplyAdds(Network network) => network.named_modules().Count(entry => entry.name.EndsWith("softmax", StringComparison.Ordinal)) switch
    {
        0 => 0,
        _ => throw new NotSupportedException("attention"),
    };
}
