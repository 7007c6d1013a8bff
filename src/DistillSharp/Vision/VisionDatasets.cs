using DistillSharp.Data;

namespace DistillSharp.Vision;

/// <summary>The datasets of images that are drawn here.</summary>
public static class VisionDatasets
{
    /// <summary>Adds them to a catalog.</summary>
    public static DatasetCatalog AddTo(DatasetCatalog catalog) => catalog.Add(GlyphDataset.Entry).Add(WordDirectionDataset.Entry);
}
