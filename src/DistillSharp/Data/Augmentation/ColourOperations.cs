using System.Buffers;

namespace DistillSharp.Data.Augmentation;

/// <summary>Random changes of colour and of form on bytes [channels, height, width].</summary>
internal static class ColourOperations
{
    private const double Strengths = 30;

    private static readonly int s_operations = Enum.GetValues<RandOperation>().Length;

    /// <summary>Brightness, contrast, saturation and hue by random factors in random order.</summary>
    public static void Jitter(Span<byte> pixels, int channels, ColourJitterOptions options, ref StableRandom random)
    {
        if (random.Unit() >= options.Probability)
        {
            return;
        }

        int[] order = [0, 1, 2, 3];
        random.Shuffle(order);
        double[] factors =
        [
            Factor(options.Brightness, ref random), Factor(options.Contrast, ref random), Factor(options.Saturation, ref random),
            RandomParts.Between(-options.Hue, options.Hue, ref random),
        ];
        foreach (var change in order)
        {
            switch (change)
            {
                case 0 when options.Brightness > 0:
                    Colours.Brightness(pixels, factors[0]);
                    break;
                case 1 when options.Contrast > 0:
                    Colours.Contrast(pixels, channels, factors[1]);
                    break;
                case 2 when options.Saturation > 0:
                    Colours.Saturation(pixels, channels, factors[2]);
                    break;
                case 3 when options.Hue > 0:
                    Colours.Hue(pixels, channels, factors[3]);
                    break;
            }
        }
    }

    /// <summary>n operations of the 14, each with the chance 1/14, of strength m of 30.</summary>
    public static void RandAugment(Span<byte> pixels, int channels, int height, int width, RandAugmentOptions options, ref StableRandom random)
    {
        for (var i = 0; i < options.N; i++)
        {
            var operation = (RandOperation)random.Below(s_operations);
            var sign = random.Below(2) == 0 ? 1 : -1;
            Apply(operation, pixels, channels, height, width, options.M / Strengths, sign);
        }
    }

    /// <summary>One operation.</summary>
    /// <param name="operation">Which.</param>
    /// <param name="pixels">[channels, height, width].</param>
    /// <param name="channels">Channels.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="strength">0 to 1.</param>
    /// <param name="sign">Direction of the operations that have one.</param>
    internal static void Apply(RandOperation operation, Span<byte> pixels, int channels, int height, int width, double strength, int sign)
    {
        var factor = 1 + (sign * 0.9 * strength);
        switch (operation)
        {
            case RandOperation.ShearX:
                Move(pixels, height, width, 1, sign * 0.3 * strength, 0, 0, 1, 0);
                break;
            case RandOperation.ShearY:
                Move(pixels, height, width, 1, 0, 0, sign * 0.3 * strength, 1, 0);
                break;
            case RandOperation.TranslateX:
                Move(pixels, height, width, 1, 0, -(int)(sign * 150.0 / 331 * width * strength), 0, 1, 0);
                break;
            case RandOperation.TranslateY:
                Move(pixels, height, width, 1, 0, 0, 0, 1, -(int)(sign * 150.0 / 331 * height * strength));
                break;
            case RandOperation.Rotate:
                Rotate(pixels, height, width, sign * Math.PI / 6 * strength);
                break;
            case RandOperation.Brightness:
                Colours.Brightness(pixels, factor);
                break;
            case RandOperation.Colour:
                Colours.Saturation(pixels, channels, factor);
                break;
            case RandOperation.Contrast:
                Colours.Contrast(pixels, channels, factor);
                break;
            case RandOperation.Sharpness:
                Colours.Sharpness(pixels, height, width, factor);
                break;
            case RandOperation.Posterize:
                Colours.Posterize(pixels, 8 - (int)Math.Round(4 * strength));
                break;
            case RandOperation.Solarize:
                Colours.Solarize(pixels, 255 * (1 - strength));
                break;
            case RandOperation.AutoContrast:
                Colours.AutoContrast(pixels, channels);
                break;
            case RandOperation.Equalize:
                Colours.Equalize(pixels, channels);
                break;
        }
    }

    /// <summary>Turns counter-clockwise around the middle.</summary>
    private static void Rotate(Span<byte> pixels, int height, int width, double angle)
    {
        var (sin, cos) = Math.SinCos(angle);
        var (x, y) = (width / 2.0, height / 2.0);
        Move(pixels, height, width, cos, -sin, x - (cos * x) + (sin * y), sin, cos, y - (sin * x) - (cos * y));
    }

    // The pixel at (x, y) is the one at (a·x + b·y + c, d·x + e·y + f), both counted at the middles of pixels; zero where none is.
    private static void Move(Span<byte> pixels, int height, int width, double a, double b, double c, double d, double e, double f)
    {
        var before = ArrayPool<byte>.Shared.Rent(pixels.Length);
        pixels.CopyTo(before);
        var plane = height * width;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var column = (int)Math.Floor((a * (x + 0.5)) + (b * (y + 0.5)) + c);
                var row = (int)Math.Floor((d * (x + 0.5)) + (e * (y + 0.5)) + f);
                var inside = column >= 0 && row >= 0 && column < width && row < height;
                for (var start = 0; start < pixels.Length; start += plane)
                {
                    pixels[start + (y * width) + x] = inside ? before[start + (row * width) + column] : (byte)0;
                }
            }
        }

        ArrayPool<byte>.Shared.Return(before);
    }

    private static double Factor(double most, ref StableRandom random) => RandomParts.Between(Math.Max(0, 1 - most), 1 + most, ref random);
}

/// <summary>The operations of RandAugment.</summary>
internal enum RandOperation
{
    /// <summary>Nothing.</summary>
    Identity,

    /// <summary>Rows move by up to 0.3 pixels a row.</summary>
    ShearX,

    /// <summary>Columns move by up to 0.3 pixels a column.</summary>
    ShearY,

    /// <summary>Moves sideways by up to 150/331 of the width.</summary>
    TranslateX,

    /// <summary>Moves up or down by up to 150/331 of the height.</summary>
    TranslateY,

    /// <summary>Turns by up to 30 degrees.</summary>
    Rotate,

    /// <summary>Brightness times 1 ± 0.9 at most.</summary>
    Brightness,

    /// <summary>Saturation times 1 ± 0.9 at most.</summary>
    Colour,

    /// <summary>Contrast times 1 ± 0.9 at most.</summary>
    Contrast,

    /// <summary>Sharpness times 1 ± 0.9 at most.</summary>
    Sharpness,

    /// <summary>Keeps 8 to 4 bits.</summary>
    Posterize,

    /// <summary>Inverts what is above 255 to 0.</summary>
    Solarize,

    /// <summary>Stretches each channel.</summary>
    AutoContrast,

    /// <summary>Equal frequencies in each channel.</summary>
    Equalize,
}
