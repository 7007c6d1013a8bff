using System.Buffers;
using DistillSharp.Data;
using SkiaSharp;

namespace DistillSharp.Vision.Images;

/// <summary>
/// An image file's pixels, four bytes each (red, green, blue and one that is not looked at), turned as its EXIF orientation says. What is
/// transparent is black, grey has three equal channels, and CMYK is converted by Skia; colour profiles are not applied.
/// </summary>
internal sealed class DecodedImage : IDisposable
{
    private const int PixelBytes = 4;

    private readonly byte[] _pixels;

    private DecodedImage(byte[] pixels, int width, int height) => (_pixels, Width, Height) = (pixels, width, height);

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>The pixels, row by row.</summary>
    public ReadOnlySpan<byte> Pixels => _pixels.AsSpan(0, Width * Height * PixelBytes);

    /// <summary>Decodes a file.</summary>
    /// <param name="path">JPEG, PNG, WebP, BMP or GIF (its first frame).</param>
    /// <exception cref="InvalidDataException">It is no image, cut off or damaged; names it.</exception>
    /// <exception cref="IOException">It cannot be opened; names it.</exception>
    public static DecodedImage Of(string path)
    {
        using var data = SKData.Create(path) ?? throw Unopened(path);
        using var codec = SKCodec.Create(data) ?? throw new InvalidDataException($"{path}: no image that can be read (JPEG, PNG, WebP, BMP, GIF)");
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul);
        var size = (long)info.Width * info.Height * PixelBytes;
        if (size is <= 0 or > 1 << 30)
        {
            throw new InvalidDataException($"{path}: the image claims {info.Width}×{info.Height} pixels");
        }

        var pixels = ArrayPool<byte>.Shared.Rent((int)size);
        var result = Fill(codec, info, pixels);
        if (result != SKCodecResult.Success)
        {
            ArrayPool<byte>.Shared.Return(pixels);
            throw new InvalidDataException($"{path}: the image is damaged ({result})");
        }

        return Turned(new DecodedImage(pixels, info.Width, info.Height), codec.EncodedOrigin);
    }

    /// <summary>The pixels of a bitmap of any kind.</summary>
    public static DecodedImage Of(SKBitmap bitmap)
    {
        var info = new SKImageInfo(bitmap.Width, bitmap.Height, SKColorType.Rgba8888, SKAlphaType.Premul);
        var pixels = ArrayPool<byte>.Shared.Rent(info.BytesSize);
        if (!Copy(bitmap, info, pixels))
        {
            ArrayPool<byte>.Shared.Return(pixels);
            throw new ArgumentException($"pixels of the kind {bitmap.ColorType} cannot be read", nameof(bitmap));
        }

        return new DecodedImage(pixels, info.Width, info.Height);
    }

    /// <summary>Scales it so that it covers a grid in whose middle the window lies, and writes the window's red, green and blue planes.</summary>
    /// <param name="resize">Shorter side it is scaled to, for a square window; null for the smallest that covers the window.</param>
    /// <param name="height">Rows of the window.</param>
    /// <param name="width">Columns of the window.</param>
    /// <param name="target">[3, height, width].</param>
    public void Middle(int? resize, int height, int width, Span<byte> target)
    {
        var (high, wide) = (long)Width * height <= (long)Height * width
            ? ((int)((long)(resize ?? width) * Height / Width), resize ?? width)
            : (resize ?? height, (int)((long)(resize ?? height) * Width / Height));
        var window = new PixelRegion((int)Math.Round((wide - width) / 2.0), (int)Math.Round((high - height) / 2.0), width, height);
        ImageResampler.ScaleInterleaved(Pixels, Width, new PixelRegion(0, 0, Width, Height), high, wide, window, target);
    }

    /// <summary>0.299 R + 0.587 G + 0.114 B of each pixel in sixteenths of a bit, as Pillow and libjpeg compute it.</summary>
    /// <param name="colours">[3, height, width].</param>
    /// <param name="target">[height, width].</param>
    public static void Grey(ReadOnlySpan<byte> colours, Span<byte> target)
    {
        var plane = target.Length;
        for (var i = 0; i < plane; i++)
        {
            target[i] = (byte)(((colours[i] * 19595) + (colours[plane + i] * 38470) + (colours[(2 * plane) + i] * 7471) + 0x8000) >> 16);
        }
    }

    private static unsafe bool Copy(SKBitmap bitmap, SKImageInfo info, byte[] pixels)
    {
        using var pixmap = bitmap.PeekPixels();
        fixed (byte* first = pixels)
        {
            return pixmap is not null && pixmap.ReadPixels(info, (nint)first, info.RowBytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_pixels);

    // Skia does not say why it has nothing: an empty file is damaged, and one that cannot be opened may be sound.
    private static Exception Unopened(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return stream.Length == 0 ? new InvalidDataException($"{path}: the image is empty") : new IOException($"{path}: the image cannot be opened");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new IOException($"{path}: the image cannot be opened ({error.Message})", error);
        }
    }

    private static unsafe SKCodecResult Fill(SKCodec codec, SKImageInfo info, byte[] pixels)
    {
        fixed (byte* first = pixels)
        {
            return codec.GetPixels(info, (nint)first);
        }
    }

    // The pixel at (x, y) of the turned image is at start + x·right + y·down of the stored one.
    private static DecodedImage Turned(DecodedImage image, SKEncodedOrigin origin)
    {
        var (width, height) = (image.Width, image.Height);
        var (start, right, down) = origin switch
        {
            SKEncodedOrigin.TopRight => (width - 1, -1, width),
            SKEncodedOrigin.BottomRight => ((width * height) - 1, -1, -width),
            SKEncodedOrigin.BottomLeft => (width * (height - 1), 1, -width),
            SKEncodedOrigin.LeftTop => (0, width, 1),
            SKEncodedOrigin.RightTop => (width * (height - 1), -width, 1),
            SKEncodedOrigin.RightBottom => ((width * height) - 1, -width, -1),
            SKEncodedOrigin.LeftBottom => (width - 1, width, -1),
            _ => (0, 1, width),
        };
        if (origin is SKEncodedOrigin.TopLeft or SKEncodedOrigin.Default)
        {
            return image;
        }

        using (image)
        {
            // Not from the strides: those of an image that is one pixel wide are 1 either way.
            var swapped = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
            var turned = new DecodedImage(ArrayPool<byte>.Shared.Rent(width * height * PixelBytes), swapped ? height : width, swapped ? width : height);
            var from = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(image._pixels.AsSpan());
            var to = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(turned._pixels.AsSpan());
            for (var y = 0; y < turned.Height; y++)
            {
                for (var x = 0; x < turned.Width; x++)
                {
                    to[(y * turned.Width) + x] = from[start + (x * right) + (y * down)];
                }
            }

            return turned;
        }
    }
}
