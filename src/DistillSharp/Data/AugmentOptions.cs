using System.Globalization;
using DistillSharp.Config;
using DistillSharp.Data.Augmentation;

namespace DistillSharp.Data;

/// <summary>
/// Random changes of training images: keys of <c>data.augment</c>. They are done in the order resized_crop, crop or shift, flip,
/// rand_augment, colour_jitter, normalisation, random_erasing, mixup or cutmix; each draws from the sample's key, so that the same key gives
/// the same image.
/// </summary>
public sealed record AugmentOptions : ICheckedOptions
{
    /// <summary>Largest shift in pixels along each axis; zeros come in at the border.</summary>
    [Option("shift by up to so many pixels along each axis, zeros come in", Min = 0, Max = 64)]
    public int Shift { get; init; }

    /// <summary>Probability of a horizontal flip.</summary>
    [Option("probability of a horizontal flip", Min = 0, Max = 1)]
    public double Flip { get; init; }

    /// <summary>Pixels of border on each side before a window of the image's size is cut out at random.</summary>
    [Option("put so many pixels around the image and cut out a window of its size at random", Min = 0, Max = 512)]
    public int Crop { get; init; }

    /// <summary>What the border of <see cref="Crop"/> is.</summary>
    [Option("the border of crop: zeros, the edge's pixels, or the image reflected in its edge")]
    public CropBorder CropBorder { get; init; }

    /// <summary>A random part, scaled to the image's size; null for none.</summary>
    [Option("cut out a random part and scale it to the image's size; of files, a part of the whole picture")]
    public ResizedCropOptions? ResizedCrop { get; init; }

    /// <summary>Random brightness, contrast, saturation and hue; null for none.</summary>
    [Option("change brightness, contrast, saturation and hue")]
    public ColourJitterOptions? ColourJitter { get; init; }

    /// <summary>Random operations of one strength; null for none.</summary>
    [Option("RandAugment: n operations of strength m, drawn from 14")]
    public RandAugmentOptions? RandAugment { get; init; }

    /// <summary>A rectangle that is wiped out; null for none.</summary>
    [Option("wipe out a random rectangle")]
    public RandomErasingOptions? RandomErasing { get; init; }

    /// <summary>α of mixup; 0 for none.</summary>
    [Option("mixup: the sample's share of a mean with another sample is drawn from Beta(α, α); 0 for none", Min = 0, Max = 100)]
    public double Mixup { get; init; }

    /// <summary>α of CutMix; 0 for none.</summary>
    [Option("cutmix: a rectangle of another sample, whose share of the area is drawn from Beta(α, α); 0 for none", Min = 0, Max = 100)]
    public double Cutmix { get; init; }

    /// <summary>Share of the samples that are mixed.</summary>
    [Option("share of the samples that mixup and cutmix change", Min = 0, Max = 1)]
    public double MixProbability { get; init; } = 1;

    /// <summary>Share of cutmix where both are asked for.</summary>
    [Option("share of cutmix among the mixed samples where mixup is given too", Min = 0, Max = 1)]
    public double CutmixShare { get; init; } = 0.5;

    /// <summary>True where nothing is changed at random.</summary>
    public bool IsNone => Shift == 0 && Flip == 0 && Crop == 0 && ResizedCrop is null && ColourJitter is null && RandAugment is null && RandomErasing is null && !Mixes;

    /// <summary>True where samples are mixed with others, so that a label is no class but shares of two.</summary>
    public bool Mixes => (Mixup > 0 || Cutmix > 0) && MixProbability > 0;

    /// <summary>True where pixels must be bytes: for changes of colour and for scaling.</summary>
    internal bool NeedsBytes => ResizedCrop is not null || ColourJitter is not null || RandAugment is not null;

    /// <summary>The changes of a sample by itself, for what teacher outputs depend on.</summary>
    internal string Describe()
    {
        if (IsNone)
        {
            return "none";
        }

        var parts = new List<string> { string.Create(CultureInfo.InvariantCulture, $"shift {Shift}, flip {Flip:R}") };
        if (Crop > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"crop {Crop} {CropBorder}"));
        }

        parts.AddRange(new object?[] { ResizedCrop, ColourJitter, RandAugment, RandomErasing }.Where(options => options is not null).Select(options => Values(options!)));
        return string.Join(", ", parts);
    }

    /// <summary>How samples are mixed, for what teacher outputs depend on.</summary>
    internal string DescribeMixing() => !Mixes ? "none"
        : string.Create(CultureInfo.InvariantCulture, $"mixup {Mixup:R}, cutmix {Cutmix:R}, probability {MixProbability:R}, cutmix share {CutmixShare:R}");

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors)
    {
        if (Shift > 0 && Crop > 0)
        {
            errors.Add(node.Get("crop")!, "moves the image like shift; give one of the two");
        }
    }

    private static string Values(object options) => $"{options.GetType().Name[..^"Options".Length]} "
        + string.Join(' ', ConfigBinder.OptionsOf(options.GetType()).Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key} {entry.Value.GetValue(options)}")));
}
