using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>Options of <c>idx</c>: own files in the format of MNIST.</summary>
public sealed record IdxOptions
{
    /// <summary>Training images.</summary>
    [Option("IDX file of the training images, plain or gzip", Required = true, DataPath = true)]
    public string TrainImages { get; init; } = "";

    /// <summary>Training labels.</summary>
    [Option("IDX file of the training labels", Required = true, DataPath = true)]
    public string TrainLabels { get; init; } = "";

    /// <summary>Test images.</summary>
    [Option("IDX file of the test images", Required = true, DataPath = true)]
    public string TestImages { get; init; } = "";

    /// <summary>Test labels.</summary>
    [Option("IDX file of the test labels", Required = true, DataPath = true)]
    public string TestLabels { get; init; } = "";

    /// <summary>Class names.</summary>
    [Option("class names in label order; numbers by default")]
    public IReadOnlyList<string> Classes { get; init; } = [];
}

/// <summary>MNIST, Fashion-MNIST and own IDX files.</summary>
public static class IdxDatasets
{
    /// <summary>Training images, training labels, test images, test labels, as both datasets name them.</summary>
    public static IReadOnlyList<string> FileNames { get; } =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

    /// <summary>MNIST's shape and classes.</summary>
    public static DatasetInfo MnistInfo { get; } = new("mnist", [1, 28, 28], ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);

    /// <summary>Fashion-MNIST's shape and classes.</summary>
    public static DatasetInfo FashionInfo { get; } = new(
        "fashion-mnist", [1, 28, 28],
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]);

    /// <summary>Catalog entry of MNIST.</summary>
    public static DatasetEntry Mnist { get; } = new(
        "mnist", "70,000 handwritten digits of 28x28 pixels",
        "LeCun, Cortes, Burges: The MNIST database of handwritten digits", typeof(NoDatasetOptions),
        _ => MnistInfo, (_, locator) => Load(MnistInfo, locator))
    {
        Needs = "mnist",
    };

    /// <summary>Catalog entry of Fashion-MNIST.</summary>
    public static DatasetEntry FashionMnist { get; } = new(
        "fashion-mnist", "70,000 photographs of clothes, 28x28 grey pixels",
        "Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017, MIT licence", typeof(NoDatasetOptions),
        _ => FashionInfo, (_, locator) => Load(FashionInfo, locator))
    {
        Needs = "fashion-mnist",
    };

    /// <summary>Catalog entry of own files.</summary>
    public static DatasetEntry OwnIdx { get; } = new(
        "idx", "your own IDX files (the format of MNIST), plain or gzip",
        "LeCun, Cortes, Burges, for the format", typeof(IdxOptions), _ => null, (options, _) => LoadOwn((IdxOptions)options));

    private static DatasetPair Load(DatasetInfo info, DataLocator locator)
    {
        var paths = locator.Find(info.Name, FileNames);
        // Both datasets name their files alike, so that one is easily taken for the other.
        var hashes = DatasetFetcher.Known(info.Name)!.Files.ToDictionary(file => file.Name, file => file.Sha256);
        return new DatasetPair(
            IdxReader.ReadPair(info.Name, paths[0], paths[1], info.Classes, (hashes[FileNames[0]], hashes[FileNames[1]])),
            IdxReader.ReadPair(info.Name, paths[2], paths[3], info.Classes, (hashes[FileNames[2]], hashes[FileNames[3]])));
    }

    private static DatasetPair LoadOwn(IdxOptions options)
    {
        var train = IdxReader.ReadPair("idx", options.TrainImages, options.TrainLabels, options.Classes);
        return new DatasetPair(train, IdxReader.ReadPair("idx", options.TestImages, options.TestLabels, train.Info.Classes));
    }
}
