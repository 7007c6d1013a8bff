using DistillSharp.Data;
using DistillSharp.Models;
using DistillSharp.Vision.Models;
using DistillSharp.Vision.Models.Transformers;

namespace DistillSharp.Tests.Vision.Models;

internal static class VisionModelFigures
{
    public static SingleInputNetwork WithoutValues(ModelSpec spec, DatasetInfo data) => (SingleInputNetwork)VisionModels.CreateWithoutValues(spec, data);

    /// <summary>What no module of its own computes: queries by keys and attention by values, and the projection that torch keeps as bare parameters.</summary>
    public static long AttentionMultiplyAdds(ZooCase zoo)
    {
        long Patches(int size) => (long)(zoo.Side / size) * (zoo.Side / size);
        return zoo.Options switch
        {
            VisionTransformerOptions vit when Patches(vit.PatchSize) + 1 is var tokens => vit.Depth * ((2 * tokens * tokens * vit.Width) + (3 * tokens * vit.Width * vit.Width)),
            DistilledTransformerOptions deit when Patches(deit.PatchSize) + 2 is var tokens => deit.Depth * 2 * tokens * tokens * deit.Width,
            _ => 0,
        };
    }
}
