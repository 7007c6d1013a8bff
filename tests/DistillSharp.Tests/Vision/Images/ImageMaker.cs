using SkiaSharp;

namespace DistillSharp.Tests.Vision.Images;

/// <summary>Small image files and the datasets made of them.</summary>
internal static class ImageMaker
{
    /// <summary>Writes an image of one colour, with a lighter upper left quarter, and returns its path.</summary>
    public static string Write(string path, int width, int height, SKColor colour)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var bitmap = new SKBitmap(width, height);
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(colour);
            using var paint = new SKPaint { Color = new SKColor((byte)Math.Min(255, colour.Red + 60), (byte)Math.Min(255, colour.Green + 60), (byte)Math.Min(255, colour.Blue + 60)) };
            canvas.DrawRect(0, 0, width / 2, height / 2, paint);
        }

        return Write(path, bitmap);
    }

    /// <summary>Writes a bitmap in the format that the path's ending names.</summary>
    public static string Write(string path, SKBitmap bitmap)
    {
        var format = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".png" => SKEncodedImageFormat.Png,
            ".webp" => SKEncodedImageFormat.Webp,
            _ => SKEncodedImageFormat.Jpeg,
        };
        using var data = bitmap.Encode(format, 95);
        File.WriteAllBytes(path, data.ToArray());
        return path;
    }

    /// <summary>A folder a class with so many JPEG files each; the colour tells the class.</summary>
    public static void Classes(string folder, int classes, int images, int width = 24, int height = 16, string extension = ".JPEG")
    {
        for (var label = 0; label < classes; label++)
        {
            for (var i = 0; i < images; i++)
            {
                Write(Path.Combine(folder, $"n0{label}", $"n0{label}_{i}{extension}"), width, height, Colour(label, i));
            }
        }
    }

    /// <summary>A class's colour, a little different in each image.</summary>
    public static SKColor Colour(int label, int i) => new((byte)(label % 3 == 0 ? 180 : 20 + i), (byte)(label % 3 == 1 ? 180 : 20 + i), (byte)(label % 3 == 2 ? 180 : 20));

    /// <summary>Files in the binary format of CIFAR, with labels in turn and the label's own brightness.</summary>
    public static void Cifar(string folder, bool hundred, int images)
    {
        Directory.CreateDirectory(folder);
        string[] files = hundred ? ["train.bin", "test.bin"] : ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"];
        var random = new Random(0);
        foreach (var file in files)
        {
            using var stream = File.Create(Path.Combine(folder, file));
            for (var i = 0; i < images; i++)
            {
                var fine = i % (hundred ? 100 : 10);
                stream.Write(hundred ? [(byte)(fine / 5), (byte)fine] : [(byte)fine]);
                var pixels = new byte[3072];
                for (var p = 0; p < pixels.Length; p++)
                {
                    pixels[p] = (byte)((fine * 2) + (p / 1024) + random.Next(8));
                }

                stream.Write(pixels);
            }
        }
    }
}
