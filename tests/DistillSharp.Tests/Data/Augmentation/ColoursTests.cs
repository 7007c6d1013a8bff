using DistillSharp.Data;
using DistillSharp.Data.Augmentation;

namespace DistillSharp.Tests.Data.Augmentation;

/// <summary>Against torchvision's published formulas, written down here once more in doubles and on one pixel at a time.</summary>
public class ColoursTests
{
    private const int Height = 7;
    private const int Width = 6;
    private const int Plane = Height * Width;

    private static byte[] Image(int channels = 3, int seed = 4)
    {
        var pixels = new byte[channels * Plane];
        new Random(seed).NextBytes(pixels);
        return pixels;
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(1.7)]
    public void BrightnessContrastSaturation_AnyFactor_AreBlends(double factor)
    {
        var image = Image();
        var greys = Enumerable.Range(0, Plane).Select(i => Math.Floor((0.2989 * image[i]) + (0.587 * image[Plane + i]) + (0.114 * image[(2 * Plane) + i]))).ToArray();
        var mean = greys.Average();

        var brighter = (byte[])image.Clone();
        Colours.Brightness(brighter, factor);
        Blended(image, brighter, _ => 0, factor);
        var contrast = (byte[])image.Clone();
        Colours.Contrast(contrast, 3, factor);
        Blended(image, contrast, _ => mean, factor);
        var saturated = (byte[])image.Clone();
        Colours.Saturation(saturated, 3, factor);
        Blended(image, saturated, i => greys[i % Plane], factor);
    }

    [Fact]
    public void Hue_AThirdOfTheCircle_PassesTheChannelsOn()
    {
        var image = Image();
        var turned = (byte[])image.Clone();
        Colours.Hue(turned, 3, 1 / 3.0);
        Near([.. image[(2 * Plane)..], .. image[..(2 * Plane)]], turned, 1);
        Colours.Hue(turned, 3, 1 / 3.0);
        Colours.Hue(turned, 3, 1 / 3.0);
        Near(image, turned, 3);
        byte[] red = [200, 50, 50];
        Colours.Hue(red, 3, -0.25);
        // 0 − 90° is 270°, half way from blue (240°) to magenta (300°): red is half way between lowest and highest.
        Near([125, 50, 200], red, 1);
    }

    [Fact]
    public void Changes_OfManyImages_TakeNoMemoryForCopies()
    {
        const int Side = 96;
        var image = new byte[3 * Side * Side];
        new Random(5).NextBytes(image);
        var target = new byte[image.Length];
        Assert.InRange(Allocated(() => Colours.Sharpness(image, Side, Side, 1.5)), 0, 1000);
        Assert.InRange(Allocated(() => ColourOperations.Apply(RandOperation.Rotate, image, 3, Side, Side, 0.5, 1)), 0, 1000);
        // The filter's weights, and not the scaled rows.
        Assert.InRange(Allocated(() => ImageResampler.Scale(new PlanarImage(image, 3, Side, Side), new PixelRegion(3, 4, 80, 70), Side, Side, target)), 0, 10000);

        // The least of several: a collection in between may empty the pool.
        static long Allocated(Action change) => Enumerable.Range(0, 8).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            change();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
    }

    [Fact]
    public void GreyImages_SaturationAndHue_Stay()
    {
        var image = Image(1);
        var same = (byte[])image.Clone();
        Colours.Saturation(same, 1, 0.2);
        Colours.Hue(same, 1, 0.3);
        Assert.Equal(image, same);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.9)]
    public void Sharpness_AnyFactor_BlendsWithTheSmoothedInside(double factor)
    {
        var image = Image();
        var sharper = (byte[])image.Clone();
        Colours.Sharpness(sharper, Height, Width, factor);
        int[,] weights = { { 1, 1, 1 }, { 1, 5, 1 }, { 1, 1, 1 } };
        Blended(image, sharper, i =>
        {
            var (start, y, x) = (i / Plane * Plane, i % Plane / Width, i % Width);
            if (y == 0 || x == 0 || y == Height - 1 || x == Width - 1)
            {
                return image[i];
            }

            var sum = 0.0;
            for (var row = 0; row < 3; row++)
            {
                for (var column = 0; column < 3; column++)
                {
                    sum += weights[row, column] * image[start + ((y + row - 1) * Width) + x + column - 1];
                }
            }

            return Math.Round(sum / 13);
        }, factor);
    }

    [Fact]
    public void PosterizeSolarizeAutoContrast_Values_AreTheDefinitions()
    {
        byte[] values = [0, 31, 32, 100, 127, 128, 200, 255];
        byte[] Changed(Action<byte[]> change)
        {
            var copy = (byte[])values.Clone();
            change(copy);
            return copy;
        }

        Assert.Equal([0, 0, 32, 96, 96, 128, 192, 224], Changed(copy => Colours.Posterize(copy, 3)));
        Assert.Equal([0, 31, 32, 100, 127, 127, 55, 0], Changed(copy => Colours.Solarize(copy, 127.5)));
        byte[] narrow = [50, 75, 100, 100, 7, 7, 7, 7];
        Colours.AutoContrast(narrow, 2);
        Assert.Equal([0, 127, 255, 255, 7, 7, 7, 7], narrow);
    }

    [Fact]
    public void Equalize_AChannel_IsPillowsTable()
    {
        var random = new Random(8);
        var image = Enumerable.Range(0, 4000).Select(_ => (byte)(random.NextDouble() * random.NextDouble() * 256)).ToArray();
        var counts = Enumerable.Range(0, 256).Select(value => image.Count(pixel => pixel == value)).ToList();
        var step = counts.Where(count => count > 0).SkipLast(1).Sum() / 255;
        var n = step / 2;
        var table = new int[256];
        for (var i = 0; i < 256; i++)
        {
            table[i] = Math.Min(255, n / step);
            n += counts[i];
        }

        var expected = image.Select(pixel => (byte)table[pixel]).ToArray();
        Colours.Equalize(image, 1);
        Assert.Equal(expected, image);
    }

    [Fact]
    public void Apply_EveryMove_TakesThePixelWhereItComesFrom()
    {
        var image = Image();
        foreach (var (operation, sign, from) in new (RandOperation, int, Func<double, double, (double X, double Y)>)[]
        {
            (RandOperation.ShearX, 1, (x, y) => (x + (0.3 * y), y)),
            (RandOperation.ShearY, -1, (x, y) => (x, y - (0.3 * x))),
            (RandOperation.TranslateX, 1, (x, y) => (x - 2, y)),
            (RandOperation.TranslateY, -1, (x, y) => (x, y + 3)),
            (RandOperation.Rotate, 1, (x, y) => Turned(x, y, 30)),
            (RandOperation.Rotate, -1, (x, y) => Turned(x, y, -30)),
        })
        {
            var moved = (byte[])image.Clone();
            ColourOperations.Apply(operation, moved, 3, Height, Width, 1, sign);
            for (var i = 0; i < moved.Length; i++)
            {
                var (x, y) = from((i % Width) + 0.5, (i % Plane / Width) + 0.5);
                var inside = x >= 0 && y >= 0 && x < Width && y < Height;
                Assert.Equal(inside ? image[(i / Plane * Plane) + ((int)y * Width) + (int)x] : 0, moved[i]);
            }
        }

        // Where a counter-clockwise turn brings a point from: back clockwise, with rows counted downwards.
        static (double X, double Y) Turned(double x, double y, double degrees)
        {
            var point = new System.Numerics.Complex(x - (Width / 2.0), (Height / 2.0) - y) * System.Numerics.Complex.FromPolarCoordinates(1, -degrees * Math.PI / 180);
            return (point.Real + (Width / 2.0), (Height / 2.0) - point.Imaginary);
        }
    }

    [Theory]
    [InlineData(9, 7)]
    [InlineData(12, 6)]
    [InlineData(30, 4)]
    public void Apply_Posterize_KeepsTheBitsOfTheStrength(int m, int bits)
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        ColourOperations.Apply(RandOperation.Posterize, all, 1, 16, 16, m / 30.0, 1);
        Assert.Equal(1 << bits, all.Distinct().Count());
    }

    [Fact]
    public void Jitter_OneChange_DrawsItsFactorFromTheRange()
    {
        var factors = new List<double>();
        for (var seed = 1UL; seed <= 500; seed++)
        {
            var random = new StableRandom(seed);
            byte[] pixel = [100];
            ColourOperations.Jitter(pixel, 1, new ColourJitterOptions { Brightness = 0.4 }, ref random);
            factors.Add(pixel[0] / 100.0);
        }

        Assert.InRange(factors.Min(), 0.59, 0.62);
        Assert.InRange(factors.Max(), 1.37, 1.4);
        Assert.InRange(factors.Average(), 0.97, 1.02);
    }

    // Cut off, not rounded: a value within 1e-3 of a whole number may fall on either side in floats.
    private static void Blended(byte[] before, byte[] after, Func<int, double> other, double factor)
    {
        for (var i = 0; i < before.Length; i++)
        {
            var value = Math.Clamp((factor * before[i]) + ((1 - factor) * other(i)), 0, 255);
            Assert.InRange(after[i], Math.Floor(value - 1e-3), Math.Floor(value + 1e-3));
        }
    }

    private static void Near(byte[] expected, byte[] result, int tolerance) =>
        Assert.All(expected.Zip(result), pair => Assert.InRange(pair.Second, pair.First - tolerance, pair.First + tolerance));
}
