using DistillSharp.Data;

namespace DistillSharp.Vision.Images;

/// <summary>Training and test images of a dataset, before any is decoded.</summary>
/// <param name="Name">The dataset.</param>
/// <param name="Root">Folder that paths start at.</param>
/// <param name="Classes">Class names in label order.</param>
/// <param name="Train">Training images.</param>
/// <param name="Test">Test images.</param>
internal sealed record ImageSets(string Name, string Root, IReadOnlyList<string> Classes, LabelledPaths Train, LabelledPaths Test)
{
    private const int MostNamed = 20;

    /// <summary>Samples that are decoded when they are needed; files that cannot be are left out beforehand where that is asked for.</summary>
    /// <exception cref="InvalidDataException">Nothing is left.</exception>
    public DatasetPair Open(ImageShape shape, CorruptImages corrupt)
    {
        var remarks = new List<string>();
        var train = Side(Train, shape, corrupt, "training", remarks);
        return new DatasetPair(train, Side(Test, shape, corrupt, "test", remarks)) { Remarks = remarks };
    }

    /// <summary>Every file that cannot be decoded, with what is wrong.</summary>
    public IReadOnlyList<string> Faults() =>
        [.. new[] { Train, Test }.SelectMany(side => ImageCheck.Faults(new ImageFiles(Root, side.Paths, new ImageShape(3, 8, 8))).Values)];

    private Dataset Side(LabelledPaths images, ImageShape shape, CorruptImages corrupt, string kind, List<string> remarks)
    {
        var files = new ImageFiles(Root, images.Paths, shape);
        if (corrupt == CorruptImages.Skip && ImageCheck.RememberedFaults(files) is { Count: > 0 } faults)
        {
            remarks.Add($"{Name}: {faults.Count} of {files.Count} {kind} images cannot be read and are left out: {string.Join("; ", faults.Values.Take(MostNamed))}{(faults.Count > MostNamed ? "; …" : "")}");
            images = images.At([.. Enumerable.Range(0, files.Count).Where(i => !faults.ContainsKey(i))]);
            files = new ImageFiles(Root, images.Paths, shape);
        }

        var info = new DatasetInfo(Name, [shape.Channels, shape.Size, shape.Size], Classes) { Resize = shape.Resize == shape.Size ? null : shape.Resize };
        return Dataset.FromSource(info, files, [.. images.Labels], 1 / 255f);
    }
}
