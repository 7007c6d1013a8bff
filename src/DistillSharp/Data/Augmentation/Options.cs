using DistillSharp.Config;

namespace DistillSharp.Data.Augmentation;

/// <summary>What stands around an image before a window of its size is cut out.</summary>
public enum CropBorder
{
    /// <summary>Zero pixels.</summary>
    Zeros,

    /// <summary>The pixels of the edge.</summary>
    Edge,

    /// <summary>The image reflected in its edge, whose own pixels are not repeated.</summary>
    Reflect,
}

/// <summary>A random part of an image: Szegedy et al., Going Deeper with Convolutions, CVPR 2015, as torchvision's RandomResizedCrop.</summary>
public sealed record ResizedCropOptions : ICheckedOptions
{
    /// <summary>Smallest share of the area.</summary>
    [Option("smallest share of the image's area", Min = 0, AboveMin = true, Max = 1)]
    public double ScaleMin { get; init; } = 0.08;

    /// <summary>Largest share of the area.</summary>
    [Option("largest share of the image's area", Min = 0, AboveMin = true, Max = 1)]
    public double ScaleMax { get; init; } = 1;

    /// <summary>Smallest width over height.</summary>
    [Option("smallest width over height", Min = 0, AboveMin = true, Max = 100)]
    public double RatioMin { get; init; } = 3 / 4.0;

    /// <summary>Largest width over height.</summary>
    [Option("largest width over height", Min = 0, AboveMin = true, Max = 100)]
    public double RatioMax { get; init; } = 4 / 3.0;

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors) => Ranges.Check(node, errors, ("scale", ScaleMin, ScaleMax), ("ratio", RatioMin, RatioMax));
}

/// <summary>
/// Changes of colour by random factors, in random order: torchvision's ColorJitter. A factor is drawn from [1 − x, 1 + x], the hue's turn from
/// [−x, x] of a circle. Grey images have neither saturation nor hue.
/// </summary>
public sealed record ColourJitterOptions
{
    /// <summary>Largest change of brightness.</summary>
    [Option("brightness is multiplied by 1 − x to 1 + x", Min = 0, Max = 10)]
    public double Brightness { get; init; }

    /// <summary>Largest change of contrast.</summary>
    [Option("contrast is multiplied by 1 − x to 1 + x", Min = 0, Max = 10)]
    public double Contrast { get; init; }

    /// <summary>Largest change of saturation.</summary>
    [Option("saturation is multiplied by 1 − x to 1 + x", Min = 0, Max = 10)]
    public double Saturation { get; init; }

    /// <summary>Largest turn of the hue.</summary>
    [Option("the hue is turned by −x to x of a circle", Min = 0, Max = 0.5)]
    public double Hue { get; init; }

    /// <summary>Share of the samples that are changed.</summary>
    [Option("share of the samples that are changed", Min = 0, Max = 1)]
    public double Probability { get; init; } = 1;
}

/// <summary>Cubuk, Zoph, Shlens, Le: RandAugment, CVPR Workshops 2020, with the 14 operations and strengths of torchvision's RandAugment.</summary>
public sealed record RandAugmentOptions
{
    /// <summary>Operations a sample.</summary>
    [Option("operations a sample", Min = 0, Max = 20)]
    public int N { get; init; } = 2;

    /// <summary>Strength, 0 to 30.</summary>
    [Option("strength of the operations, 0 to 30", Min = 0, Max = 30)]
    public int M { get; init; } = 9;
}

/// <summary>A wiped-out rectangle: Zhong et al., Random Erasing Data Augmentation, AAAI 2020, as torchvision's RandomErasing.</summary>
public sealed record RandomErasingOptions : ICheckedOptions
{
    /// <summary>Share of the samples.</summary>
    [Option("share of the samples that a rectangle is wiped out of", Min = 0, Max = 1)]
    public double Probability { get; init; } = 0.5;

    /// <summary>Smallest share of the area.</summary>
    [Option("smallest share of the image's area", Min = 0, AboveMin = true, Max = 1)]
    public double ScaleMin { get; init; } = 0.02;

    /// <summary>Largest share of the area.</summary>
    [Option("largest share of the image's area", Min = 0, AboveMin = true, Max = 1)]
    public double ScaleMax { get; init; } = 0.33;

    /// <summary>Smallest height over width.</summary>
    [Option("smallest height over width", Min = 0, AboveMin = true, Max = 100)]
    public double RatioMin { get; init; } = 0.3;

    /// <summary>Largest height over width.</summary>
    [Option("largest height over width", Min = 0, AboveMin = true, Max = 100)]
    public double RatioMax { get; init; } = 3.3;

    /// <summary>True for normally distributed noise in the rectangle, false for zeros.</summary>
    [Option("fill the rectangle with normally distributed noise (after normalisation) and not with zeros")]
    public bool Noise { get; init; }

    /// <inheritdoc/>
    public void Check(ConfigNode node, ConfigErrors errors) => Ranges.Check(node, errors, ("scale", ScaleMin, ScaleMax), ("ratio", RatioMin, RatioMax));
}

internal static class Ranges
{
    public static void Check(ConfigNode node, ConfigErrors errors, params (string Name, double Low, double High)[] ranges)
    {
        foreach (var (name, low, high) in ranges.Where(range => range.Low > range.High))
        {
            errors.Add(node, FormattableString.Invariant($"{name}_min is {low} and {name}_max {high}; the first must not be above the second"));
        }
    }
}
