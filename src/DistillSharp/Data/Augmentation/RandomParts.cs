namespace DistillSharp.Data.Augmentation;

/// <summary>Random parts of images.</summary>
internal static class RandomParts
{
    private const int Tries = 10;

    /// <summary>
    /// A part whose share of the area is uniform and whose logarithm of width over height is uniform; after ten that do not fit, the largest in the
    /// middle whose width over height is allowed.
    /// </summary>
    public static PixelRegion ResizedCrop(int width, int height, ResizedCropOptions options, ref StableRandom random)
    {
        for (var i = 0; i < Tries; i++)
        {
            var area = (double)width * height * Between(options.ScaleMin, options.ScaleMax, ref random);
            var ratio = Math.Exp(Between(Math.Log(options.RatioMin), Math.Log(options.RatioMax), ref random));
            var (wide, high) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (wide > 0 && wide <= width && high > 0 && high <= height)
            {
                var top = random.Below(height - high + 1);
                return new PixelRegion(random.Below(width - wide + 1), top, wide, high);
            }
        }

        var own = (double)width / height;
        var (w, h) = own < options.RatioMin ? (width, (int)Math.Round(width / options.RatioMin))
            : own > options.RatioMax ? ((int)Math.Round(height * options.RatioMax), height)
            : (width, height);
        (w, h) = (Math.Clamp(w, 1, width), Math.Clamp(h, 1, height));
        return new PixelRegion((width - w) / 2, (height - h) / 2, w, h);
    }

    /// <summary>The rectangle to wipe out; null for none.</summary>
    public static PixelRegion? Erased(int width, int height, RandomErasingOptions options, ref StableRandom random)
    {
        if (random.Unit() >= options.Probability)
        {
            return null;
        }

        for (var i = 0; i < Tries; i++)
        {
            var area = (double)width * height * Between(options.ScaleMin, options.ScaleMax, ref random);
            var ratio = Math.Exp(Between(Math.Log(options.RatioMin), Math.Log(options.RatioMax), ref random));
            var (high, wide) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (wide > 0 && high > 0 && wide < width && high < height)
            {
                var top = random.Below(height - high + 1);
                return new PixelRegion(random.Below(width - wide + 1), top, wide, high);
            }
        }

        return null;
    }

    /// <summary>Wipes a rectangle out of [channels, height, width].</summary>
    public static void Erase(Span<float> image, int channels, int height, int width, PixelRegion part, bool noise, ref StableRandom random)
    {
        for (var channel = 0; channel < channels; channel++)
        {
            for (var y = part.Top; y < part.Top + part.Height; y++)
            {
                var row = image.Slice((((channel * height) + y) * width) + part.Left, part.Width);
                row.Clear();
                for (var x = 0; noise && x < row.Length; x++)
                {
                    row[x] = (float)random.Normal();
                }
            }
        }
    }

    /// <summary>A number uniform between two others.</summary>
    public static double Between(double low, double high, ref StableRandom random) => low + ((high - low) * random.Unit());
}
