using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DistillSharp.Data;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Data;

/// <summary>Counts live tensors and sets torch's thread count, which belong to the whole process: runs alone.</summary>
[CollectionDefinition(nameof(LoaderTests), DisableParallelization = true)]
public class LoaderCollection;

[Collection(nameof(LoaderTests))]
public class LoaderTests
{
    private const int Side = 6;
    private const int Samples = 53;

    private static readonly LoaderOptions Training = new()
    {
        BatchSize = 8,
        Shuffle = true,
        Seed = 42,
        Augment = new AugmentOptions { Shift = 2, Flip = 0.5 },
        Normalise = new Normalisation([0.3f, 0.6f], [0.5f, 0.25f]),
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(0, 2)]
    [InlineData(4, 2)]
    public void Epoch_AnyPrefetchAndThreadCount_SameTensorsForEachSample(int prefetch, int threads)
    {
        var before = get_num_threads();
        var expected = Hashes(new Loader(Images(), Training with { Prefetch = 0 }), epoch: 3);
        try
        {
            set_num_threads(threads);
            Assert.Equal(expected, Hashes(new Loader(Images(), Training with { Prefetch = prefetch }), epoch: 3));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void Epoch_ReplayedByTheSameLoaderAfterOthers_SameTensors()
    {
        var loader = new Loader(Images(), Training);
        var live = Hashes(loader, 1);
        var other = Hashes(loader, 2);
        Assert.Equal(live, Hashes(loader, 1));
        Assert.NotEqual(live.Select(entry => entry.Id), other.Select(entry => entry.Id));
        Assert.NotEqual(live.OrderBy(entry => entry.Id).Select(entry => entry.Hash), other.OrderBy(entry => entry.Id).Select(entry => entry.Hash));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Epoch_EnteredInTheMiddle_ContinuesAsTheWholeEpoch(int prefetch)
    {
        var loader = new Loader(Images(), Training with { Prefetch = prefetch });
        var whole = Hashes(loader, 5);
        Assert.Equal(whole.Skip(3 * 8), Hashes(loader, 5, firstBatch: 3));
        Assert.Empty(Hashes(loader, 5, firstBatch: loader.BatchCount));
    }

    [Fact]
    public void Epoch_EveryEpoch_HoldsEachSampleOnceAndTheShortBatch()
    {
        var loader = new Loader(Images(), Training);
        Assert.Equal(7, loader.BatchCount);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            Assert.Equal(Enumerable.Range(0, Samples).Select(id => (long)id), Hashes(loader, epoch).Select(entry => entry.Id).Order());
        }
    }

    [Fact]
    public void Epoch_WithoutShuffle_ScaledAndNormalisedPixelsInOrder()
    {
        var data = Images();
        var loader = new Loader(data, new LoaderOptions { BatchSize = 20, Normalise = Training.Normalise });
        var position = 0;
        foreach (var batch in loader.Epoch(0, cancellation: Cancellation))
        {
            using (batch)
            {
                var values = batch.Input.data<float>().ToArray();
                for (var i = 0; i < batch.Count; i++, position++)
                {
                    Assert.Equal(position, batch.SampleIds[i]);
                    Assert.Equal(data.Label(position), batch.Targets![i].item<long>());
                    for (var p = 0; p < data.SampleSize; p++)
                    {
                        var (mean, deviation) = p < Side * Side ? (0.3, 0.5) : (0.6, 0.25);
                        Assert.Equal(((data.Bytes(position)[p] / 255.0) - mean) / deviation, values[(i * data.SampleSize) + p], 1e-5);
                    }
                }
            }
        }

        Assert.Equal(Samples, position);
    }

    // Every augmented image must be one of the 5 × 5 × 2 shifted and flipped versions, computed by plain indexing.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Epoch_ShiftAndFlip_EachSampleIsOneShiftedVersionOfItself(bool stored)
    {
        var data = Images();
        var source = stored ? data : AsFloats(data);
        var kinds = new HashSet<(int, int, bool)>();
        foreach (var batch in new Loader(source, Training with { Normalise = null }).Epoch(0, cancellation: Cancellation))
        {
            using (batch)
            {
                var values = batch.Input.data<float>().ToArray();
                for (var i = 0; i < batch.Count; i++)
                {
                    var seen = values.AsSpan(i * data.SampleSize, data.SampleSize).ToArray();
                    var kind = Versions().Where(version => Matches(seen, Moved(data.Bytes((int)batch.SampleIds[i]), version))).ToList();
                    Assert.Single(kind);
                    kinds.Add(kind[0]);
                }
            }
        }

        Assert.InRange(kinds.Count, 20, 50);
    }

    [Fact]
    public void Epoch_LeftEarly_LeavesNoTensors()
    {
        var loader = new Loader(Images(), Training with { Prefetch = 3 });
        loader.Epoch(0, cancellation: Cancellation).First().Dispose();
        var before = Tensor.TotalCount;
        for (var round = 0; round < 50; round++)
        {
            foreach (var batch in loader.Epoch(round, cancellation: Cancellation))
            {
                batch.Dispose();
                break;
            }
        }

        // The finalizer may take away what earlier tests left, but nothing may come: 50 epochs would leave some hundred tensors.
        Assert.InRange(Tensor.TotalCount, 0, before);
    }

    [Fact]
    public void Epoch_InsideAScope_BatchOutlivesIt()
    {
        Batch batch;
        using (NewDisposeScope())
        {
            batch = new Loader(Images(), Training with { Prefetch = 0 }).Epoch(0, cancellation: Cancellation).First();
        }

        using (batch)
        {
            Assert.False(batch.Input.IsInvalid);
            Assert.Equal([8, 2, Side, Side], batch.Input.shape);
        }
    }

    [Fact]
    public void Epoch_Cancelled_Throws()
    {
        using var stop = new CancellationTokenSource();
        var taken = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var batch in new Loader(Images(), Training).Epoch(0, cancellation: stop.Token))
            {
                batch.Dispose();
                taken++;
                stop.Cancel();
            }
        });
        Assert.Equal(1, taken);
    }

    [Fact]
    public void Constructor_MeansForOtherChannels_SaysHowManyThereAre()
    {
        var error = Assert.Throws<ArgumentException>(() => new Loader(Images(), Training with { Normalise = new Normalisation([0f], [1f]) }));
        Assert.Contains("images has 2 channels, but there are 1 means", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_OptionsOutOfRange_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Loader(Images(), new LoaderOptions { BatchSize = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Loader(Images(), new LoaderOptions { Prefetch = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Loader(Images(), Training).Epoch(0, -1, Cancellation));
        var vectors = Dataset.FromFloats(new DatasetInfo("vectors", [3], ["a"]), [1, 2, 3], [0]);
        Assert.Contains("[3]", Assert.Throws<ArgumentException>(() => new Loader(vectors, Training)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Normalisation_OfASet_MatchesNaiveStatistics()
    {
        var data = Images();
        var found = Normalisation.Of(data);
        for (var channel = 0; channel < 2; channel++)
        {
            var values = Enumerable.Range(0, Samples).SelectMany(i => data.Bytes(i).Slice(channel * Side * Side, Side * Side).ToArray()).Select(value => value / 255.0).ToArray();
            var mean = values.Average();
            Assert.Equal(mean, found.Mean[channel], 1e-5);
            Assert.Equal(Math.Sqrt(values.Average(value => (value - mean) * (value - mean))), found.Deviation[channel], 1e-5);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Normalisation_ChannelWithoutVariance_HasTheDeviationOne(bool read)
    {
        // One pixel of the last channel is a shade off.
        byte[] pixels = [.. Enumerable.Range(0, 256 * 3 * 1024).Select(i => (byte)((i / 1024 % 3) switch { 0 => i % 7, 1 => 201, _ => i == 2048 ? 79 : 80 }))];
        var info = new DatasetInfo("images", [3, 32, 32], ["a"]);
        var data = read ? Dataset.FromSource(info, new MemorySource(pixels, 3072, 32, 32), new int[256], 1 / 255f) : Dataset.FromBytes(info, pixels, new int[256], 1 / 255f);
        var found = Normalisation.Of(data);
        Assert.InRange(found.Deviation[0], 0.001f, 0.1f);
        Assert.Equal([1f, 1f], found.Deviation.Skip(1));
        Assert.Equal(201 / 255f, found.Mean[1], 1e-5);
    }

    [Theory]
    [InlineData(1000.1f, 0f, 1f)]
    [InlineData(0f, 0f, 1f)]
    [InlineData(0f, 1e-5f, 1e-5f)]
    [InlineData(5f, 0.5f, 0.5f)]
    public void Normalisation_OfFloats_KnowsWhatIsConstantOnItsOwnScale(float middle, float swing, float deviation)
    {
        var data = Dataset.FromFloats(new DatasetInfo("vectors", [10], ["a"]), [.. Enumerable.Range(0, 1000).Select(i => i % 2 == 0 ? middle - swing : middle + swing)], new int[100]);
        Assert.Equal(deviation, Normalisation.Of(data).Deviation[0], deviation * 1e-3f);
    }

    private static Dataset Images()
    {
        var random = new StableRandom(7);
        var pixels = Enumerable.Range(0, Samples * 2 * Side * Side).Select(_ => (byte)(1 + random.Below(255))).ToArray();
        return Dataset.FromBytes(new DatasetInfo("images", [2, Side, Side], ["a", "b", "c"]), pixels, [.. Enumerable.Range(0, Samples).Select(i => i % 3)], 1 / 255f);
    }

    private static Dataset AsFloats(Dataset data) => Dataset.FromFloats(
        data.Info,
        [.. Enumerable.Range(0, data.Count).SelectMany(i => data.Bytes(i).ToArray()).Select(value => value / 255f)],
        [.. Enumerable.Range(0, data.Count).Select(data.Label)]);

    private static List<(long Id, string Hash)> Hashes(Loader loader, int epoch, int firstBatch = 0)
    {
        var found = new List<(long, string)>();
        foreach (var batch in loader.Epoch(epoch, firstBatch, Cancellation))
        {
            using (batch)
            {
                var values = batch.Input.data<float>().ToArray();
                var size = values.Length / batch.Count;
                for (var i = 0; i < batch.Count; i++)
                {
                    var bytes = MemoryMarshal.AsBytes(values.AsSpan(i * size, size));
                    found.Add((batch.SampleIds[i], $"{Convert.ToHexString(SHA256.HashData(bytes))} {batch.AugmentationKeys[i]} {batch.Targets![i].item<long>()}"));
                }
            }
        }

        return found;
    }

    private static IEnumerable<(int Down, int Right, bool Flip)> Versions() =>
        from down in Enumerable.Range(-2, 5) from right in Enumerable.Range(-2, 5) from flip in new[] { false, true } select (down, right, flip);

    private static float[] Moved(ReadOnlySpan<byte> image, (int Down, int Right, bool Flip) version)
    {
        var moved = new float[image.Length];
        for (var i = 0; i < image.Length; i++)
        {
            var (channel, y, x) = (i / (Side * Side), i / Side % Side, i % Side);
            var (fromY, fromX) = (y - version.Down, (version.Flip ? Side - 1 - x : x) - version.Right);
            moved[i] = fromY is >= 0 and < Side && fromX is >= 0 and < Side ? image[(channel * Side * Side) + (fromY * Side) + fromX] / 255f : 0;
        }

        return moved;
    }

    private static bool Matches(float[] first, float[] second) => first.Zip(second).All(pair => Math.Abs(pair.First - pair.Second) < 1e-6);
}
