using DistillSharp.Config;

namespace DistillSharp.Vision.Images;

/// <summary>What is done about image files that cannot be read.</summary>
public enum CorruptImages
{
    /// <summary>The run ends at the first one, with its path.</summary>
    Fail,

    /// <summary>All files are read once before the run; those that cannot be are left out, named and counted.</summary>
    Skip,
}

/// <summary>Options of every dataset of image files.</summary>
public abstract record ImageOptions : ICheckedOptions
{
    /// <summary>Height and width of a sample.</summary>
    [Option("height and width of a sample in pixels", Min = 8, Max = 1024)]
    public int Size { get; init; } = 224;

    /// <summary>Shorter side before the middle is cut out; null for what the dataset usually has.</summary>
    [Option("shorter side in pixels that an image is scaled to before its middle is cut out, at least size; size by default, 8/7 of it for imagenet_folder", Min = 8, Max = 2048)]
    public int? Resize { get; init; }

    /// <summary>1 for grey, 3 for colour.</summary>
    [Option("3 for colour, 1 for grey", Min = 1, Max = 3)]
    public int Channels { get; init; } = 3;

    /// <summary>What is done about files that cannot be read.</summary>
    [Option("image files that cannot be read: fail ends the run at the first, skip reads all before the run, names those and leaves them out")]
    public CorruptImages Corrupt { get; init; }

    /// <summary>Whether links may lead out of the folder.</summary>
    [Option("follow links that lead out of the folder")]
    public bool FollowLinks { get; init; }

    /// <summary>The shorter side where none is given.</summary>
    internal virtual int UsualResize => Size;

    /// <summary>How files become samples.</summary>
    internal ImageShape Shape => new(Channels, Size, Resize ?? UsualResize);

    /// <inheritdoc/>
    public virtual void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Channels == 2)
        {
            errors.Add(node.Get("channels")!, "must be 3 for colour or 1 for grey");
        }

        if (Resize < Size)
        {
            errors.Add(node.Get("resize")!, $"must be at least size, which is {Size}");
        }
    }
}

/// <summary>Options of <c>imagenet_folder</c>.</summary>
public sealed record ImageNetOptions : ImageOptions
{
    /// <summary>The folder with train and val.</summary>
    [Option("folder that has train and val, each with a folder a class; imagenet_folder in the data folders by default", DataPath = true)]
    public string? Folder { get; init; }

    /// <inheritdoc/>
    internal override int UsualResize => (int)Math.Round(Size * 8 / 7.0);
}

/// <summary>Options of <c>tiny_imagenet</c>.</summary>
public sealed record TinyImageNetOptions
{
    /// <summary>The folder with wnids.txt.</summary>
    [Option("folder that has wnids.txt, words.txt, train and val; tiny_imagenet in the data folders by default", DataPath = true)]
    public string? Folder { get; init; }

    /// <summary>What is done about files that cannot be read.</summary>
    [Option("image files that cannot be read: fail ends the run at the first, skip reads all before the run, names those and leaves them out")]
    public CorruptImages Corrupt { get; init; }

    /// <summary>Whether links may lead out of the folder.</summary>
    [Option("follow links that lead out of the folder")]
    public bool FollowLinks { get; init; }
}

/// <summary>Where the test images of <c>image_folder</c> come from.</summary>
public enum FolderSplit
{
    /// <summary>Folders train and test (or val), each with a folder a class.</summary>
    Folders,

    /// <summary>Drawn from a hash of each path: class folders lie in the folder itself.</summary>
    Hash,
}

/// <summary>Options of <c>image_folder</c>.</summary>
public sealed record ImageFolderOptions : ImageOptions
{
    /// <summary>The folder.</summary>
    [Option("folder of the images", Required = true, DataPath = true)]
    public string Folder { get; init; } = "";

    /// <summary>Where the test images come from.</summary>
    [Option("folders: train and test (or val) with a folder a class each; hash: a folder a class, and a hash of each path says which images are tested on")]
    public FolderSplit Split { get; init; }

    /// <summary>Share of the images that are tested on.</summary>
    [Option("share of the images that are tested on, with split: hash", Min = 0.001, Max = 0.9)]
    public double TestShare { get; init; } = 0.2;
}

/// <summary>Options of <c>image_manifest</c>.</summary>
public sealed record ManifestOptions : ImageOptions
{
    /// <summary>The table.</summary>
    [Option("CSV file with the columns path, label and, if wanted, split (train or test); paths start at root", Required = true, DataPath = true)]
    public string File { get; init; } = "";

    /// <summary>Where paths start.</summary>
    [Option("folder that paths start at and may not leave; the file's own by default", DataPath = true)]
    public string? Root { get; init; }

    /// <summary>Class names in label order.</summary>
    [Option("class names in label order; the labels that occur, sorted, by default")]
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Share of the images that are tested on where the table has no column <c>split</c>.</summary>
    [Option("share of the images that are tested on where the table has no column split: a hash of each path says which", Min = 0.001, Max = 0.9)]
    public double TestShare { get; init; } = 0.2;
}
