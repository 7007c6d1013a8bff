using DistillSharp.Data;
using DistillSharp.Data.Augmentation;
using DistillSharp.Vision.Images;
using SkiaSharp;

namespace DistillSharp.Benchmarks.Speed;

/// <summary>Time to make a batch of 64 changed images, as a share of a bare ResNet-8×4 step on as many of 32×32 pixels.</summary>
internal static class LoaderRows
{
    private const int Blocks = 7;
    private const int BatchSize = 64;
    private const int Files = 256;

    private static readonly AugmentOptions CropAndFlip = new() { Crop = 4, Flip = 0.5 };

    private static readonly AugmentOptions EveryChange = new()
    {
        ResizedCrop = new ResizedCropOptions(),
        Flip = 0.5,
        ColourJitter = new ColourJitterOptions { Brightness = 0.4, Contrast = 0.4, Saturation = 0.4, Hue = 0.1 },
        RandAugment = new RandAugmentOptions(),
        RandomErasing = new RandomErasingOptions(),
        Mixup = 0.2,
        Cutmix = 1,
    };

    public static (SpeedRow Row, string Detail) Measure(string name) => name switch
    {
        "loader" => Timed(name, SyntheticData.Bytes(Info(1, 28), BatchSize * 110), new AugmentOptions { Shift = 2, Flip = 0.5 }, 0.03),
        "loader-crop-flip" => Timed(name, SyntheticData.Bytes(Info(3, 32), BatchSize * 110), CropAndFlip, 0.03),
        "loader-every-change" => Timed(name, SyntheticData.Bytes(Info(3, 32), BatchSize * 30), EveryChange, 0.05),
        "loader-jpeg-64" => OfFiles(name, 64, 64, 0.05),
        _ => OfFiles(name, 500, 375, 0.50),
    };

    private static DatasetInfo Info(int channels, int size) => new("synthetic", [channels, size, size], [.. Enumerable.Range(0, 10).Select(i => $"class {i}")]);

    // Noise does not look like photographs, which compress better: blurred noise takes about as many bytes as they do.
    private static (SpeedRow Row, string Detail) OfFiles(string name, int width, int height, double target)
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < Files; i++)
        {
            var place = Path.Combine(folder.Path, i % 8 == 0 ? "test" : "train", $"class{i % 2}");
            Directory.CreateDirectory(place);
            using var image = Picture(width, height, i);
            using var data = image.Encode(SKEncodedImageFormat.Jpeg, 90);
            File.WriteAllBytes(Path.Combine(place, $"{i}.jpg"), data.ToArray());
        }

        var options = new ImageFolderOptions { Folder = folder.Path, Size = 32 };
        var pair = ImageFolders.Folder.Load(options, new DataLocator(null));
        // Enough batches to time: the same files several times.
        var many = pair.Train.Subset(Enumerable.Range(0, BatchSize * 8).Select(i => i % pair.Train.Count));
        return Timed(name, many, new AugmentOptions { ResizedCrop = new ResizedCropOptions(), Flip = 0.5 }, target, warmUp: 2);
    }

    private static SKBitmap Picture(int width, int height, int seed)
    {
        using var small = new SKBitmap(width / 4, height / 4, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var random = new Random(seed);
        small.Pixels = [.. Enumerable.Range(0, small.Width * small.Height).Select(_ => new SKColor((uint)random.Next() | 0xFF000000))];
        return small.Resize(new SKSizeI(width, height), new SKSamplingOptions(SKFilterMode.Linear));
    }

    private static (SpeedRow Row, string Detail) Timed(string name, Dataset data, AugmentOptions augment, double target, int warmUp = 10)
    {
        var options = new LoaderOptions { BatchSize = BatchSize, Shuffle = true, Augment = augment, Normalise = Normalisation.Of(data), Prefetch = 0 };
        var batches = new TimedSource(new Loader(data, options), warmUp);
        using var workload = Workload.ResNet(steps: 3, taught: false);
        var steps = workload.Source(warmUp: 1);
        Drain(batches);
        workload.TrainBare(steps);
        var (loading, training) = (new List<double>(), new List<double>());
        for (var block = 0; block < Blocks; block++)
        {
            loading.Add(SpeedRows.Timed(Drain, batches));
            training.Add(SpeedRows.Timed(workload.TrainBare, steps));
        }

        var row = RatioStatistics.Row(name, [.. loading.Zip(training, (a, b) => a / b)], target);
        return (row, SpeedRows.Invariant($"{BatchSize / RatioStatistics.Median(loading):0} images a second, {RatioStatistics.Median(loading) * 1e3:0.000} ms a batch of {BatchSize}"));
    }

    private static void Drain(TimedSource source)
    {
        foreach (var batch in source.Epoch(0))
        {
            batch.Dispose();
        }
    }
}
