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

    /// <summary>How many files are left out since images of their kinds are not decoded, by ending.</summary>
    public IReadOnlyDictionary<string, int> Others { get; init; } = new Dictionary<string, int>();

    /// <summary>Samples that are decoded when they are needed; files that cannot be are left out beforehand where that is asked for.</summary>
    /// <exception cref="InvalidDataException">A class of the test images has no training image, or files that cannot be read leave a side empty, or a class without training images.</exception>
    public DatasetPair Open(ImageShape shape, CorruptImages corrupt)
    {
        if (Test.Labels.Except(Train.Labels).ToList() is { Count: > 0 } untrained)
        {
            throw new InvalidDataException($"{Name}: only test images are of {Counted(Test, untrained)}; give every class training images, or take its test images out");
        }

        var remarks = new List<string>();
        if (Others.Values.Sum() is > 0 and var others)
        {
            remarks.Add(
                $"{Name}: {others} {(others == 1 ? "file" : "files")} in the class folders cannot be read and {(others == 1 ? "is" : "are")} left out: "
                + $"{string.Join(", ", Others.Select(kind => $"{kind.Value} {kind.Key}"))}; images must be {string.Join(", ", ClassFolders.Extensions)}");
        }

        var train = Side(Train, shape, corrupt, isTest: false, remarks);
        return new DatasetPair(train, Side(Test, shape, corrupt, isTest: true, remarks)) { Remarks = remarks };
    }

    /// <summary>Every file that cannot be decoded, with what is wrong.</summary>
    public IReadOnlyList<string> Faults() =>
        [.. new[] { Train, Test }.SelectMany(side => ImageCheck.Faults(new ImageFiles(Root, side.Paths, new ImageShape(3, 8, 8))).Values)];

    private Dataset Side(LabelledPaths images, ImageShape shape, CorruptImages corrupt, bool isTest, List<string> remarks)
    {
        var files = new ImageFiles(Root, images.Paths, shape);
        if (corrupt == CorruptImages.Skip && ImageCheck.RememberedFaults(files) is { Count: > 0 } faults)
        {
            var kind = isTest ? "test" : "training";
            remarks.Add($"{Name}: {faults.Count} of {files.Count} {kind} images cannot be read and are left out: {Listed(faults.Values)}");
            var left = images.At([.. Enumerable.Range(0, files.Count).Where(i => !faults.ContainsKey(i))]);
            if (images.Labels.Except(left.Labels).ToList() is { Count: > 0 } lost)
            {
                var what = $"{Name}: of {Counted(images, lost)} no {kind} image can be read";
                if (left.Paths.Count == 0 || !isTest)
                {
                    throw new InvalidDataException($"{what}; mend them, or take the class out: {Listed([.. faults.Where(fault => lost.Contains(images.Labels[fault.Key])).Select(fault => fault.Value)])}");
                }

                remarks.Add($"{what}, so that they are not tested");
            }

            images = left;
            files = new ImageFiles(Root, images.Paths, shape);
        }

        var info = new DatasetInfo(Name, [shape.Channels, shape.Size, shape.Size], Classes) { Resize = shape.Resize == shape.Size ? null : shape.Resize };
        return Dataset.FromSource(info, files, [.. images.Labels], 1 / 255f);
    }

    private static string Listed(IReadOnlyCollection<string> faults) => $"{string.Join("; ", faults.Take(MostNamed))}{(faults.Count > MostNamed ? "; …" : "")}";

    private string Counted(LabelledPaths images, List<int> labels) => string.Join(", ", labels.Take(MostNamed).Select(label =>
    {
        var count = images.Labels.Count(each => each == label);
        return $"class `{Classes[label]}` ({count} {(count == 1 ? "file" : "files")})";
    })) + (labels.Count > MostNamed ? ", …" : "");
}
