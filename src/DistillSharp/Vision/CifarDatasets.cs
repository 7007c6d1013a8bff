using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Vision;

/// <summary>Options of <c>cifar10</c> and <c>cifar100</c>.</summary>
public sealed record CifarOptions
{
    /// <summary>The folder with the binary files.</summary>
    [Option("folder with the files of the binary version; cifar10 or cifar100 in the data folders by default", DataPath = true)]
    public string? Folder { get; init; }

    /// <summary>Whether files may hold other numbers of images than the published ones.</summary>
    [Option("accept files with other numbers of images than the published ones, such as cut or generated ones")]
    public bool AnyCount { get; init; }
}

/// <summary>
/// CIFAR-10 and CIFAR-100 in their binary versions: a record is one label byte (CIFAR-100: coarse and fine, of which the fine one is used) and
/// 3,072 bytes of red, green and blue.
/// </summary>
public static class CifarDatasets
{
    private const int Pixels = 3 * 32 * 32;

    /// <summary>CIFAR-10's shape and classes.</summary>
    public static DatasetInfo TenInfo { get; } = new("cifar10", [3, 32, 32], ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]);

    /// <summary>CIFAR-100's shape and fine classes.</summary>
    public static DatasetInfo HundredInfo { get; } = new(
        "cifar100", [3, 32, 32],
        """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle chair
        chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard
        lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
        pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail
        snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
        willow_tree wolf woman worm
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Catalog entry of CIFAR-10.</summary>
    public static DatasetEntry Ten { get; } = new(
        "cifar10", "CIFAR-10, binary version: 60,000 photographs of 10 classes, 32x32 pixels",
        "Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009", typeof(CifarOptions), _ => TenInfo,
        (options, locator) => Load((CifarOptions)options, locator, TenInfo, ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"], "test_batch.bin", 1, 10_000))
    {
        Needs = "cifar10",
    };

    /// <summary>Catalog entry of CIFAR-100.</summary>
    public static DatasetEntry Hundred { get; } = new(
        "cifar100", "CIFAR-100, binary version: 60,000 photographs of 100 classes, 32x32 pixels",
        "Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009", typeof(CifarOptions), _ => HundredInfo,
        (options, locator) => Load((CifarOptions)options, locator, HundredInfo, ["train.bin"], "test.bin", 2, 50_000))
    {
        Needs = "cifar100",
    };

    private static DatasetPair Load(CifarOptions options, DataLocator locator, DatasetInfo info, string[] train, string test, int labelBytes, int trainCount)
    {
        var known = DatasetFetcher.Known(info.Name)!;
        var folder = options.Folder is { } given
            ? Images.ImageFolders.Find(given, info.Name, locator, string.Join(", ", [.. train, test]), place => known.FileNames.All(file => File.Exists(Path.Combine(place, file))), known.HowToBring(locator))
            : locator.FetchedFolder(info.Name) ?? throw new DirectoryNotFoundException(known.HowToBring(locator));
        return new DatasetPair(
            Read(info, [.. train.Select(file => Path.Combine(folder, file))], labelBytes, options.AnyCount ? null : trainCount),
            Read(info, [Path.Combine(folder, test)], labelBytes, options.AnyCount ? null : 10_000));
    }

    private static Dataset Read(DatasetInfo info, string[] files, int labelBytes, int? count)
    {
        var record = labelBytes + Pixels;
        var lengths = files.Select(file => FileTarget.Of(file).Length).ToArray();
        for (var i = 0; i < files.Length; i++)
        {
            if (lengths[i] == 0 || lengths[i] % record != 0 || (count is { } wanted && lengths[i] != (long)wanted * record))
            {
                throw new InvalidDataException(
                    $"{files[i]} has {lengths[i]} bytes; {(count is { } expected ? $"{expected} images of {record} bytes are {(long)expected * record} (`any_count: true` takes other numbers of images)" : $"an image has {record}")}");
            }
        }

        var total = checked((int)(lengths.Sum() / record));
        var (pixels, labels, at) = (new byte[(long)total * Pixels], new int[total], 0);
        var own = new byte[record];
        foreach (var file in files)
        {
            using var stream = new BufferedStream(File.OpenRead(file), 1 << 20);
            for (var remaining = stream.Length / record; remaining > 0; remaining--, at++)
            {
                stream.ReadExactly(own);
                labels[at] = own[labelBytes - 1];
                if (labels[at] >= info.Classes.Count)
                {
                    throw new InvalidDataException($"{file}: image {(stream.Length / record) - remaining} has label {labels[at]}; labels must lie in 0…{info.Classes.Count - 1}. Is it the binary version of {info.Name}?");
                }

                own.AsSpan(labelBytes).CopyTo(pixels.AsSpan(at * Pixels));
            }
        }

        return Dataset.FromBytes(info, pixels, labels, 1 / 255f);
    }
}
