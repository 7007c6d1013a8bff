using DistillSharp.Data;
using DistillSharp.Vision.Images;
using DistillSharp.Vision.Reading;

namespace DistillSharp.Vision;

/// <summary>The datasets of images: published ones, your own files, and those that are drawn here.</summary>
public static class VisionDatasets
{
    /// <summary>Adds them to a catalog.</summary>
    public static DatasetCatalog AddTo(DatasetCatalog catalog) => catalog
        .Add(CifarDatasets.Ten)
        .Add(CifarDatasets.Hundred)
        .Add(TinyImageNet.Entry)
        .Add(ImageFolders.ImageNet)
        .Add(ImageFolders.Folder)
        .Add(ImageManifest.Entry)
        .Add(GlyphDataset.Entry)
        .Add(WordDirectionDataset.Entry)
        .Add(WordTextCorpus.Entry);
}
