using System.Buffers;
using System.Runtime.Intrinsics;

namespace DistillSharp.Data;

/// <summary>Bytes of an image, channel by channel.</summary>
/// <param name="pixels">The bytes [channels, height, width].</param>
/// <param name="channels">Channels.</param>
/// <param name="height">Rows.</param>
/// <param name="width">Columns.</param>
public readonly ref struct PlanarImage(ReadOnlySpan<byte> pixels, int channels, int height, int width)
{
    /// <summary>The bytes [channels, height, width].</summary>
    public ReadOnlySpan<byte> Pixels { get; } = pixels;

    /// <summary>Channels.</summary>
    public int Channels { get; } = channels;

    /// <summary>Rows.</summary>
    public int Height { get; } = height;

    /// <summary>Columns.</summary>
    public int Width { get; } = width;
}

/// <summary>
/// Scales parts of images with a triangle filter, as wide as a pixel of the larger grid: Pillow's BILINEAR, which torchvision's
/// transforms use with antialias. Pixels outside the part are not looked at; values are rounded once, at the end.
/// </summary>
public static class ImageResampler
{
    /// <summary>Scales a part to [channels, height, width].</summary>
    public static void Scale(PlanarImage image, PixelRegion part, int height, int width, Span<byte> target)
    {
        var (columns, rows) = (Filter.Of(part.Width, width, 0, width), Filter.Of(part.Height, height, 0, height));
        var between = ArrayPool<float>.Shared.Rent(part.Height * width);
        for (var channel = 0; channel < image.Channels; channel++)
        {
            var plane = image.Pixels.Slice(channel * image.Height * image.Width, image.Height * image.Width);
            for (var y = 0; y < part.Height; y++)
            {
                var row = plane.Slice(((part.Top + y) * image.Width) + part.Left, part.Width);
                for (var x = 0; x < width; x++)
                {
                    var sum = 0f;
                    for (var i = 0; i < columns.Lengths[x]; i++)
                    {
                        sum += columns.Weights[(x * columns.Widest) + i] * row[columns.Starts[x] + i];
                    }

                    between[(y * width) + x] = sum;
                }
            }

            Down(between, rows, height, width, target.Slice(channel * height * width, height * width));
        }

        ArrayPool<float>.Shared.Return(between);
    }

    /// <summary>
    /// Scales a part of an image of four interleaved bytes a pixel (the fourth is not looked at) to a grid, of which a window is written as planes
    /// of red, green and blue.
    /// </summary>
    /// <param name="pixels">Bytes of the image.</param>
    /// <param name="stride">Columns of the image.</param>
    /// <param name="part">The part.</param>
    /// <param name="height">Rows of the grid that the part is scaled to.</param>
    /// <param name="width">Columns of that grid.</param>
    /// <param name="window">What of the grid is written.</param>
    /// <param name="target">The result [3, window height, window width].</param>
    public static void ScaleInterleaved(ReadOnlySpan<byte> pixels, int stride, PixelRegion part, int height, int width, PixelRegion window, Span<byte> target)
    {
        var (columns, rows) = (Filter.Of(part.Width, width, window.Left, window.Width), Filter.Of(part.Height, height, window.Top, window.Height));
        var firstRow = rows.Starts[0];
        var lastRow = rows.Starts[^1] + rows.Lengths[^1];
        var between = ArrayPool<Vector128<float>>.Shared.Rent((lastRow - firstRow) * window.Width);
        var line = ArrayPool<Vector128<float>>.Shared.Rent(part.Width);
        for (var y = firstRow; y < lastRow; y++)
        {
            var row = pixels.Slice((((part.Top + y) * stride) + part.Left) * 4, part.Width * 4);
            for (var x = 0; x < part.Width; x++)
            {
                line[x] = Vector128.Create((float)row[4 * x], row[(4 * x) + 1], row[(4 * x) + 2], 0);
            }

            for (var x = 0; x < window.Width; x++)
            {
                between[((y - firstRow) * window.Width) + x] = Sum(line.AsSpan(columns.Starts[x], columns.Lengths[x]), columns.Weights.AsSpan(x * columns.Widest));
            }
        }

        DownInterleaved(between, rows, firstRow, window, target);
        ArrayPool<Vector128<float>>.Shared.Return(between);
        ArrayPool<Vector128<float>>.Shared.Return(line);
    }

    private static void DownInterleaved(Vector128<float>[] between, Filter rows, int firstRow, PixelRegion window, Span<byte> target)
    {
        var plane = window.Height * window.Width;
        for (var y = 0; y < window.Height; y++)
        {
            for (var x = 0; x < window.Width; x++)
            {
                var sum = Vector128<float>.Zero;
                for (var i = 0; i < rows.Lengths[y]; i++)
                {
                    sum += between[((rows.Starts[y] + i - firstRow) * window.Width) + x] * rows.Weights[(y * rows.Widest) + i];
                }

                var at = (y * window.Width) + x;
                target[at] = Round(sum[0]);
                target[plane + at] = Round(sum[1]);
                target[(2 * plane) + at] = Round(sum[2]);
            }
        }
    }

    private static Vector128<float> Sum(ReadOnlySpan<Vector128<float>> values, ReadOnlySpan<float> weights)
    {
        var sum = Vector128<float>.Zero;
        for (var i = 0; i < values.Length; i++)
        {
            sum += values[i] * weights[i];
        }

        return sum;
    }

    private static void Down(float[] between, Filter rows, int height, int width, Span<byte> target)
    {
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var sum = 0f;
                for (var i = 0; i < rows.Lengths[y]; i++)
                {
                    sum += rows.Weights[(y * rows.Widest) + i] * between[((rows.Starts[y] + i) * width) + x];
                }

                target[(y * width) + x] = Round(sum);
            }
        }
    }

    private static byte Round(float value) => (byte)Math.Clamp((int)(value + 0.5f), 0, 255);

    /// <summary>For each place of the result, where its sources begin, how many there are, and their weights.</summary>
    private sealed record Filter(int[] Starts, int[] Lengths, float[] Weights, int Widest)
    {
        /// <summary>The filter from so many pixels to a grid of <paramref name="to"/>, for <paramref name="count"/> places of it from <paramref name="first"/> on.</summary>
        public static Filter Of(int from, int to, int first, int count)
        {
            var scale = (double)from / to;
            var reach = Math.Max(1, scale);
            var widest = ((int)Math.Ceiling(reach) * 2) + 1;
            var filter = new Filter(new int[count], new int[count], new float[count * widest], widest);
            Span<double> weights = stackalloc double[Math.Min(widest, 512)];
            weights = widest > weights.Length ? new double[widest] : weights;
            for (var i = 0; i < count; i++)
            {
                var centre = (first + i + 0.5) * scale;
                var start = Math.Max(0, (int)(centre - reach + 0.5));
                var length = Math.Min(from, (int)(centre + reach + 0.5)) - start;
                var sum = 0.0;
                for (var k = 0; k < length; k++)
                {
                    weights[k] = Math.Max(0, 1 - (Math.Abs(start + k + 0.5 - centre) / reach));
                    sum += weights[k];
                }

                (filter.Starts[i], filter.Lengths[i]) = (start, length);
                for (var k = 0; k < length; k++)
                {
                    filter.Weights[(i * widest) + k] = (float)(weights[k] / sum);
                }
            }

            return filter;
        }
    }
}
