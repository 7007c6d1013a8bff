using System.Buffers;

namespace DistillSharp.Data.Augmentation;

/// <summary>
/// Changes of pixels that stay bytes, in place on [channels, height, width] of one or three channels, with torchvision's formulas for
/// tensors: results are cut off, not rounded, where it cuts them off.
/// </summary>
internal static class Colours
{
    /// <summary>factor·x.</summary>
    public static void Brightness(Span<byte> pixels, double factor)
    {
        foreach (ref var pixel in pixels)
        {
            pixel = Blend(pixel, 0, factor);
        }
    }

    /// <summary>factor·x + (1 − factor)·mean, the mean of the grey image.</summary>
    public static void Contrast(Span<byte> pixels, int channels, double factor)
    {
        var plane = pixels.Length / channels;
        var sum = 0L;
        for (var i = 0; i < plane; i++)
        {
            sum += channels == 3 ? Grey(pixels, plane, i) : pixels[i];
        }

        var mean = (float)((double)sum / plane);
        foreach (ref var pixel in pixels)
        {
            pixel = Blend(pixel, mean, factor);
        }
    }

    /// <summary>factor·x + (1 − factor)·grey; grey images stay.</summary>
    public static void Saturation(Span<byte> pixels, int channels, double factor)
    {
        var plane = pixels.Length / channels;
        for (var i = 0; channels == 3 && i < plane; i++)
        {
            var grey = Grey(pixels, plane, i);
            for (var at = i; at < pixels.Length; at += plane)
            {
                pixels[at] = Blend(pixels[at], grey, factor);
            }
        }
    }

    /// <summary>Turns the hue by a share of the circle (hue, saturation, value); grey images stay.</summary>
    public static void Hue(Span<byte> pixels, int channels, double turn)
    {
        var plane = pixels.Length / channels;
        for (var i = 0; channels == 3 && i < plane; i++)
        {
            var (red, green, blue) = (pixels[i] / 255f, pixels[plane + i] / 255f, pixels[(2 * plane) + i] / 255f);
            var (high, low) = (Math.Max(red, Math.Max(green, blue)), Math.Min(red, Math.Min(green, blue)));
            if (high == low)
            {
                continue;
            }

            var range = high - low;
            var sector = high == red ? ((green - blue) / range) + 6 : high == green ? ((blue - red) / range) + 2 : ((red - green) / range) + 4;
            var hue = (sector / 6) + (float)turn;
            var (turned, saturation) = ((hue - MathF.Floor(hue)) * 6, range / high);
            var part = turned - MathF.Floor(turned);
            var (p, q, t) = (high * (1 - saturation), high * (1 - (saturation * part)), high * (1 - (saturation * (1 - part))));
            (red, green, blue) = ((int)turned % 6) switch
            {
                0 => (high, t, p),
                1 => (q, high, p),
                2 => (p, high, t),
                3 => (p, q, high),
                4 => (t, p, high),
                _ => (high, p, q),
            };
            (pixels[i], pixels[plane + i], pixels[(2 * plane) + i]) = (ToByte(red), ToByte(green), ToByte(blue));
        }
    }

    /// <summary>factor·x + (1 − factor)·blurred with the weights 1 around 5, over 13; the border stays.</summary>
    public static void Sharpness(Span<byte> pixels, int height, int width, double factor)
    {
        if (height <= 2 || width <= 2)
        {
            return;
        }

        var plane = height * width;
        var before = ArrayPool<byte>.Shared.Rent(pixels.Length);
        pixels.CopyTo(before);
        for (var start = 0; start < pixels.Length; start += plane)
        {
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var at = start + (y * width) + x;
                    var inner = y > 0 && x > 0 && y < height - 1 && x < width - 1;
                    pixels[at] = Blend(before[at], inner ? Blurred(before, at, width) : before[at], factor);
                }
            }
        }

        ArrayPool<byte>.Shared.Return(before);
    }

    /// <summary>Keeps so many of the highest bits.</summary>
    public static void Posterize(Span<byte> pixels, int bits)
    {
        foreach (ref var pixel in pixels)
        {
            pixel &= (byte)(0xFF << (8 - bits));
        }
    }

    /// <summary>Inverts what is at least the threshold.</summary>
    public static void Solarize(Span<byte> pixels, double threshold)
    {
        foreach (ref var pixel in pixels)
        {
            pixel = pixel >= threshold ? (byte)(255 - pixel) : pixel;
        }
    }

    /// <summary>Stretches each channel to 0 … 255.</summary>
    public static void AutoContrast(Span<byte> pixels, int channels)
    {
        var size = pixels.Length / channels;
        for (var start = 0; start < pixels.Length; start += size)
        {
            var plane = pixels.Slice(start, size);
            var (low, high) = (byte.MaxValue, byte.MinValue);
            foreach (var pixel in plane)
            {
                (low, high) = (Math.Min(low, pixel), Math.Max(high, pixel));
            }

            var scale = 255f / (high - low);
            for (var i = 0; high > low && i < plane.Length; i++)
            {
                plane[i] = (byte)Math.Clamp((plane[i] - low) * scale, 0, 255);
            }
        }
    }

    /// <summary>Makes the values of each channel equally frequent.</summary>
    public static void Equalize(Span<byte> pixels, int channels)
    {
        var size = pixels.Length / channels;
        Span<int> counts = stackalloc int[256];
        Span<byte> table = stackalloc byte[256];
        for (var start = 0; start < pixels.Length; start += size)
        {
            var plane = pixels.Slice(start, size);
            counts.Clear();
            var highest = 0;
            foreach (var pixel in plane)
            {
                counts[pixel]++;
                highest = Math.Max(highest, pixel);
            }

            var step = (size - counts[highest]) / 255;
            if (step == 0)
            {
                continue;
            }

            var below = 0;
            for (var value = 0; value < 256; value++)
            {
                table[value] = value == 0 ? (byte)0 : (byte)Math.Min(255, (below + (step / 2)) / step);
                below += counts[value];
            }

            foreach (ref var pixel in plane)
            {
                pixel = table[pixel];
            }
        }
    }

    private static byte Blurred(byte[] pixels, int at, int width)
    {
        var sum = 4 * pixels[at];
        for (var row = -width; row <= width; row += width)
        {
            sum += pixels[at + row - 1] + pixels[at + row] + pixels[at + row + 1];
        }

        return (byte)MathF.Round(sum / 13f);
    }

    private static byte Grey(ReadOnlySpan<byte> pixels, int plane, int i) =>
        (byte)((0.2989f * pixels[i]) + (0.587f * pixels[plane + i]) + (0.114f * pixels[(2 * plane) + i]));

    private static byte Blend(byte own, float other, double factor) => (byte)Math.Clamp(((float)factor * own) + ((float)(1 - factor) * other), 0, 255);

    private static byte ToByte(float value) => (byte)Math.Clamp(value * 255.999f, 0, 255);
}
