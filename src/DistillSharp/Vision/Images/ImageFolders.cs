using System.Text;
using DistillSharp.Config;
using DistillSharp.Data;

namespace DistillSharp.Vision.Images;

/// <summary>ImageNet's layout, and any folder with a folder a class.</summary>
public static class ImageFolders
{
    /// <summary>Catalog entry of ImageNet's layout.</summary>
    public static DatasetEntry ImageNet { get; } = new(
        "imagenet_folder", "ImageNet's layout: train and val with a folder a class; images are decoded when a batch needs them",
        "Russakovsky et al.: ImageNet Large Scale Visual Recognition Challenge, IJCV 2015, for the layout; your own files", typeof(ImageNetOptions),
        _ => null, (options, locator) => Open((ImageNetOptions)options, locator).Open(((ImageNetOptions)options).Shape, ((ImageNetOptions)options).Corrupt))
    {
        Faults = (options, locator) => Open((ImageNetOptions)options, locator).Faults(),
    };

    /// <summary>Catalog entry of other folders.</summary>
    public static DatasetEntry Folder { get; } = new(
        "image_folder", "your own images, a folder a class; split by folders or by a hash of each path", "your own", typeof(ImageFolderOptions),
        _ => null, (options, locator) => Open((ImageFolderOptions)options, locator).Open(((ImageFolderOptions)options).Shape, ((ImageFolderOptions)options).Corrupt))
    {
        Faults = (options, locator) => Open((ImageFolderOptions)options, locator).Faults(),
    };

    /// <summary>Which side a path is on: it depends on the path alone, so that other files do not move it.</summary>
    internal static bool IsTest(string path, double share) =>
        new StableRandom(Convert.ToUInt64(FileHash.Sha256(Encoding.UTF8.GetBytes(path.Replace('\\', '/')))[..16], 16)).Unit() < share;

    /// <summary>Both sides of a list by the hash of each path.</summary>
    /// <exception cref="InvalidDataException">One side would be empty.</exception>
    internal static (LabelledPaths Train, LabelledPaths Test) ByHash(LabelledPaths all, double share, string where)
    {
        var sides = Enumerable.Range(0, all.Paths.Count).ToLookup(i => IsTest(all.Paths[i], share));
        return sides[true].Any() && sides[false].Any()
            ? (all.At([.. sides[false]]), all.At([.. sides[true]]))
            : throw new InvalidDataException($"{where}: of {all.Paths.Count} images a test share of {share} leaves one side empty; give more images or another test_share");
    }

    /// <summary>The folder that a recipe names, or one of the data folders, that has what is looked for.</summary>
    /// <exception cref="DirectoryNotFoundException">There is none; the message says where was looked, and for what.</exception>
    internal static string Find(string? given, string dataset, DataLocator locator, string wanted, Func<string, bool> isIt, string advice)
    {
        var places = given is null ? locator.Folders(dataset) : [given, .. Path.IsPathRooted(given) ? [] : locator.Folders(dataset).Select(folder => Path.Combine(folder, given))];
        return places.FirstOrDefault(place => Directory.Exists(place) && isIt(place))
            ?? throw new DirectoryNotFoundException(
                $"{dataset} was not found: no folder with {wanted} in{Environment.NewLine}{string.Join(Environment.NewLine, places.Select(place => "  " + place))}{Environment.NewLine}{advice}");
    }

    private static ImageSets Open(ImageNetOptions options, DataLocator locator)
    {
        var root = Find(
            options.Folder, "imagenet_folder", locator, "train and val", place => Directory.Exists(Path.Combine(place, "train")) && Directory.Exists(Path.Combine(place, "val")),
            "ILSVRC 2012 is given to those who register at image-net.org: unpack ILSVRC2012_img_train.tar (MD5 1d675b47d978889d74fa0da5fadfb00e) into train, each of its archives into a folder of its own name, and "
            + "ILSVRC2012_img_val.tar (MD5 29b22e2961454d5413ddabcf34fc5622) into val with each image in the folder of its class; name the folder by data.folder, --data-dir or DISTILL_DATA");
        var validation = Path.Combine(root, "val");
        if (!Directory.EnumerateDirectories(validation).Any() && Directory.EnumerateFiles(validation).Any())
        {
            throw new InvalidDataException($"{validation} has images and no class folders; move each image into the folder of its class (the lists of ILSVRC2012_devkit_t12.tar.gz say which)");
        }

        return Folders("imagenet_folder", root, "train", "val", options.FollowLinks);
    }

    private static ImageSets Open(ImageFolderOptions options, DataLocator locator)
    {
        const string Advice = "Put the images there, a folder a class, or name another folder by data.folder";
        if (options.Split == FolderSplit.Hash)
        {
            var place = Find(options.Folder, "image_folder", locator, "class folders", folder => Directory.EnumerateDirectories(folder).Any(), Advice);
            var guard = new FolderGuard(place, options.FollowLinks);
            var classes = ClassFolders.Classes(place, guard);
            var others = new SortedDictionary<string, int>(StringComparer.Ordinal);
            var (train, test) = ByHash(ClassFolders.Images(guard, guard.Root, classes, allNeeded: true, others), options.TestShare, place);
            return new ImageSets("image_folder", guard.Root, classes, train, test) { Others = others };
        }

        var root = Find(
            options.Folder, "image_folder", locator, "train and test (or val)",
            folder => Directory.Exists(Path.Combine(folder, "train")) && TestName(folder) is not null, Advice + "; with class folders alone say `split: hash`");
        return Folders("image_folder", root, "train", TestName(root)!, options.FollowLinks);
    }

    private static ImageSets Folders(string name, string root, string train, string test, bool followLinks)
    {
        var guard = new FolderGuard(root, followLinks);
        var classes = ClassFolders.Classes(Path.Combine(guard.Root, train), guard);
        var others = new SortedDictionary<string, int>(StringComparer.Ordinal);
        return new ImageSets(
            name, guard.Root, classes,
            ClassFolders.Images(guard, Path.Combine(guard.Root, train), classes, allNeeded: true, others),
            ClassFolders.Images(guard, Path.Combine(guard.Root, test), classes, allNeeded: false, others))
        {
            Others = others,
        };
    }

    private static string? TestName(string folder) => new[] { "test", "val" }.FirstOrDefault(name => Directory.Exists(Path.Combine(folder, name)));
}
