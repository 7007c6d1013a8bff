using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DistillSharp.Data;
using DistillSharp.Data.Augmentation;
using DistillSharp.Losses.Logits;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Data.Augmentation;

/// <summary>Changed and mixed batches: what is in them, and that the key alone says so.</summary>
public class MixingTests
{
    private const int Side = 8;
    private static readonly AugmentOptions Everything = new()
    {
        Crop = 2,
        CropBorder = CropBorder.Reflect,
        Flip = 0.5,
        ResizedCrop = new(),
        ColourJitter = new() { Brightness = 0.4, Contrast = 0.4, Saturation = 0.4, Hue = 0.1 },
        RandAugment = new(),
        RandomErasing = new() { Noise = true },
        Mixup = 0.4,
        Cutmix = 1,
        MixProbability = 0.8,
    };

    [Fact]
    public void Epoch_EveryChangeAtOnce_SameTensorsForAnyWorkersBatchSizeAndOrder()
    {
        var options = new LoaderOptions { BatchSize = 8, Shuffle = true, Seed = 7, Augment = Everything, Normalise = new Normalisation([0.4f, 0.5f, 0.6f], [0.2f, 0.3f, 0.4f]) };
        var first = Samples(new Loader(Images(), options with { Workers = 1, Prefetch = 0 }), 2);
        Assert.Equal(first, Samples(new Loader(Images(), options with { Workers = 3 }), 2));
        Assert.Equal(first, Samples(new Loader(Images(), options with { BatchSize = 5, Shuffle = false }), 2));
        Assert.NotEqual(first, Samples(new Loader(Images(), options), 3));
        Assert.NotEqual(first, Samples(new Loader(Images(), options with { Seed = 8 }), 2));
    }

    [Fact]
    public void Samples_AView_AreWhatTheEpochOfThatViewShows()
    {
        var options = new LoaderOptions { BatchSize = 8, Shuffle = true, Seed = 7, Augment = Everything, Views = 2 };
        var loader = new Loader(Images(), options);
        using var stored = new Loader(Images(), options with { Shuffle = false }).Samples(Enumerable.Range(0, 21).ToArray(), 1);
        Assert.Equal(Hashes(stored).OrderBy(entry => entry.Id), Samples(loader, 3));
        Assert.Equal(1, FixedViews.ViewOf(stored, 2));
    }

    [Fact]
    public void Epoch_Mixup_IsTheShareOfEachOfTwoViews()
    {
        var options = new LoaderOptions { BatchSize = 21, Seed = 3, Augment = new AugmentOptions { Shift = 1, Flip = 0.5, Mixup = 0.7 } };
        using var batch = new Loader(Images(), options).Epoch(1, 0, TestContext.Current.CancellationToken).Single();
        var mixer = new SampleMixer(options.Augment, 21, Side, Side);
        var values = batch.Input.data<float>().ToArray();
        var shares = batch.Mix!.Shares.data<float>().ToArray();
        var alone = new SampleWriter(Images(), options.Augment with { Mixup = 0 }, null);
        for (var i = 0; i < batch.Count; i++)
        {
            var mix = mixer.Of(batch.AugmentationKeys[i])!.Value;
            Assert.Equal((batch.Mix.SampleIds[i], shares[i]), (mix.Position, (float)mix.Share));
            var (own, other) = (new float[3 * Side * Side], new float[3 * Side * Side]);
            alone.Write(i, batch.AugmentationKeys[i], own);
            alone.Write(mix.Position, mix.Key, other);
            for (var k = 0; k < own.Length; k++)
            {
                Assert.Equal((mix.Share * own[k]) + ((1 - mix.Share) * other[k]), values[(i * own.Length) + k], 1e-5);
            }
        }
    }

    [Fact]
    public void Epoch_Cutmix_EveryPixelIsOfOneOfTheTwoAndTheAreaIsTheShare()
    {
        // Shades tell samples apart: sample i has the value i + 1 everywhere.
        var shades = Dataset.FromFloats(
            new DatasetInfo("shades", [1, Side, Side], ["a", "b"]), [.. Enumerable.Range(0, 30 * Side * Side).Select(i => (float)((i / (Side * Side)) + 1))], [.. Enumerable.Range(0, 30).Select(i => i % 2)]);
        using var batch = new Loader(shades, new LoaderOptions { BatchSize = 30, Augment = new AugmentOptions { Cutmix = 1 } }).Epoch(0, 0, TestContext.Current.CancellationToken).Single();
        var values = batch.Input.data<float>().ToArray().Chunk(Side * Side).ToArray();
        var shares = batch.Mix!.Shares.data<float>().ToArray();
        var targets = batch.Mix.Targets.data<long>().ToArray();
        for (var i = 0; i < 30; i++)
        {
            var other = batch.Mix.SampleIds[i];
            Assert.Equal(other % 2, targets[i]);
            Assert.All(values[i], value => Assert.Contains(value, new[] { i + 1f, other + 1f }));
            if (other != i)
            {
                Assert.Equal(values[i].Count(value => value == i + 1) / (double)(Side * Side), shares[i], 1e-6);
            }
        }

        Assert.Contains(shares, share => share is > 0.1f and < 0.9f);
    }

    [Fact]
    public void Of_Chances_AreThoseOfTheOptions()
    {
        var mixer = new SampleMixer(new AugmentOptions { Mixup = 0.2, Cutmix = 1, MixProbability = 0.6, CutmixShare = 0.25 }, 1000, Side, Side);
        var mixes = Enumerable.Range(1, 8000).Select(i => mixer.Of(StableRandom.Key(1, (ulong)i))).ToList();
        var mixed = mixes.OfType<SampleMix>().ToList();
        Assert.InRange(mixed.Count / 8000.0, 0.58, 0.62);
        Assert.InRange(mixed.Count(mix => mix.Cut is not null) / (double)mixed.Count, 0.23, 0.27);
        Assert.InRange(mixed.Average(mix => mix.Position), 480, 520);
        Assert.Null(mixer.Of(0));
    }

    // Mean 1/2 and variance 1/(4·(2α + 1)) of Beta(α, α).
    [Theory]
    [InlineData(0.2)]
    [InlineData(1)]
    [InlineData(4)]
    public void Beta_ManyDraws_HasMeanAndVariance(double alpha)
    {
        var random = new StableRandom(11);
        var draws = Enumerable.Range(0, 20000).Select(_ => random.Beta(alpha)).ToList();
        Assert.All(draws, draw => Assert.InRange(draw, 0, 1));
        Assert.Equal(0.5, draws.Average(), 0.012);
        Assert.Equal(1 / (4 * ((2 * alpha) + 1)), draws.Average(draw => (draw - 0.5) * (draw - 0.5)), 0.005);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    public void CrossEntropy_MixedBatch_IsThatWithTheSoftLabels(double smoothing)
    {
        using var scope = NewDisposeScope();
        double[][] logits = [[0.3, -1, 2], [1, 0.5, -0.2], [0, 2, -1], [0.4, 0.1, 0.2]];
        (int Own, int Other, double Share)[] labels = [(0, 2, 0.7), (1, 1, 0.5), (-1, 2, 0.6), (2, -1, 0.25)];
        var batch = new Batch
        {
            Inputs = new Dictionary<string, Tensor>(),
            Targets = tensor(labels.Select(label => (long)label.Own).ToArray()),
            SampleIds = [0, 1, 2, 3],
            AugmentationKeys = new ulong[4],
            Mix = new BatchMix([0, 1, 2, 3], tensor(labels.Select(label => (long)label.Other).ToArray()), tensor(labels.Select(label => (float)label.Share).ToArray())),
        };
        var term = HardLabels.CrossEntropy(tensor(logits.SelectMany(row => row).Select(value => (float)value).ToArray()).reshape(4, 3), batch, smoothing);

        var (sum, count) = (0.0, 0.0);
        foreach (var (row, label) in logits.Zip(labels))
        {
            var normaliser = Math.Log(row.Sum(Math.Exp));
            foreach (var (target, share) in new[] { (label.Own, label.Share), (label.Other, 1 - label.Share) }.Where(entry => entry.Item1 >= 0))
            {
                count += share;
                sum -= share * Enumerable.Range(0, 3).Sum(c => (((1 - smoothing) * (c == target ? 1 : 0)) + (smoothing / 3)) * (row[c] - normaliser));
            }
        }

        Assert.Equal(sum, term.Sum.ToDouble(), 1e-5);
        Assert.Equal(count, term.Count, 1e-6);
        Assert.Equal(count, HardLabels.CountOf(batch), 1e-6);
    }

    [Fact]
    public void Loader_ChangesThatDoNotFitTheData_AreRefused()
    {
        var floats = Dataset.FromFloats(new DatasetInfo("floats", [3, Side, Side], ["a"]), new float[3 * Side * Side], [0]);
        Assert.Contains("bytes", Assert.Throws<ArgumentException>(() => new Loader(floats, new LoaderOptions { Augment = new AugmentOptions { RandAugment = new() } })).Message, StringComparison.Ordinal);
        Assert.Contains("reflects more", Assert.Throws<ArgumentException>(() => new Loader(floats, new LoaderOptions { Augment = new AugmentOptions { Crop = 8, CropBorder = CropBorder.Reflect } })).Message, StringComparison.Ordinal);
    }

    private static Dataset Images()
    {
        var pixels = new byte[21 * 3 * Side * Side];
        new Random(6).NextBytes(pixels);
        return Dataset.FromBytes(new DatasetInfo("images", [3, Side, Side], ["a", "b", "c"]), pixels, [.. Enumerable.Range(0, 21).Select(i => i % 3)], 1 / 255f);
    }

    private static List<(long Id, string Hash)> Samples(Loader loader, int epoch) => [.. loader.Epoch(epoch).SelectMany(batch =>
    {
        using (batch)
        {
            return Hashes(batch);
        }
    }).OrderBy(entry => entry.Id)];

    private static List<(long Id, string Hash)> Hashes(Batch batch)
    {
        var values = batch.Input.data<float>().ToArray();
        return [.. values.Chunk(values.Length / batch.Count).Select((sample, i) => (batch.SampleIds[i], Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes<float>(sample)))))];
    }
}
