using DistillSharp.Data;
using DistillSharp.Data.Augmentation;

namespace DistillSharp.Tests.Data.Augmentation;

public class PlacementTests
{
    [Theory]
    [InlineData(CropBorder.Zeros, 2, -1, false)]
    [InlineData(CropBorder.Zeros, -5, 0, true)]
    [InlineData(CropBorder.Edge, -2, 3, true)]
    [InlineData(CropBorder.Reflect, 2, 3, false)]
    [InlineData(CropBorder.Reflect, -3, -2, true)]
    internal void Copy_AnyMove_IsTheWindowOfThePaddedImage(CropBorder border, int down, int right, bool flip)
    {
        const int Height = 4;
        const int Width = 5;
        const int Padding = 6;
        var image = new byte[2 * Height * Width];
        new Random(1).NextBytes(image);
        var result = new byte[image.Length];
        new Placement(down, right, flip, border).Copy<byte>(image, result, Height, Width);

        // The padded image by the definition of each border, then the window whose corner is at padding − move.
        for (var channel = 0; channel < 2; channel++)
        {
            for (var y = 0; y < Height; y++)
            {
                for (var x = 0; x < Width; x++)
                {
                    var column = flip ? Width - 1 - x : x;
                    var expected = Padded(y - down, column - right);
                    Assert.Equal(expected, result[(((channel * Height) + y) * Width) + x]);
                }
            }

            byte Padded(int row, int column)
            {
                Assert.InRange(row, -Padding, Height + Padding);
                if (border == CropBorder.Zeros && (row < 0 || row >= Height || column < 0 || column >= Width))
                {
                    return 0;
                }

                int[] rows = border == CropBorder.Reflect ? [3, 2, 1, 0, 1, 2, 3, 2, 1, 0] : [0, 0, 0, 0, 1, 2, 3, 3, 3, 3];
                int[] columns = border == CropBorder.Reflect ? [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1] : [0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4];
                return border == CropBorder.Zeros
                    ? image[(((channel * Height) + row) * Width) + column]
                    : image[(((channel * Height) + rows[row + 3]) * Width) + columns[column + 3]];
            }
        }
    }

    [Fact]
    public void ResizedCrop_ManyDraws_AreWithinShareRatioAndImage()
    {
        var random = new StableRandom(5);
        var options = new ResizedCropOptions { ScaleMin = 0.2, ScaleMax = 0.6 };
        var (shares, ratios) = (new List<double>(), new List<double>());
        for (var i = 0; i < 2000; i++)
        {
            var part = RandomParts.ResizedCrop(200, 150, options, ref random);
            Assert.True(part is { Left: >= 0, Top: >= 0 } && part.Left + part.Width <= 200 && part.Top + part.Height <= 150);
            shares.Add(part.Width * part.Height / 30000.0);
            ratios.Add(Math.Log((double)part.Width / part.Height));
        }

        Assert.InRange(shares.Min(), 0.19, 0.22);
        Assert.InRange(shares.Max(), 0.58, 0.61);
        Assert.InRange(shares.Average(), 0.38, 0.42);
        Assert.InRange(ratios.Min(), Math.Log(0.73), Math.Log(0.78));
        Assert.InRange(ratios.Max(), Math.Log(1.3), Math.Log(1.36));
    }

    [Fact]
    public void ResizedCrop_NothingFits_IsTheLargestAllowedPartInTheMiddle()
    {
        var random = new StableRandom(5);
        Assert.Equal(new PixelRegion(43, 0, 13, 10), RandomParts.ResizedCrop(100, 10, new ResizedCropOptions { ScaleMin = 1 }, ref random));
        Assert.Equal(new PixelRegion(0, 43, 10, 13), RandomParts.ResizedCrop(10, 100, new ResizedCropOptions { ScaleMin = 1 }, ref random));
    }

    [Fact]
    public void Erased_ManyDraws_HaveTheChanceTheShareAndTheRatio()
    {
        var random = new StableRandom(2);
        var options = new RandomErasingOptions { Probability = 0.4, ScaleMin = 0.1, ScaleMax = 0.2, RatioMin = 0.5, RatioMax = 2 };
        var parts = Enumerable.Range(0, 4000).Select(_ => RandomParts.Erased(64, 48, options, ref random)).ToList();
        Assert.InRange(parts.Count(part => part is not null) / 4000.0, 0.37, 0.43);
        Assert.All(parts.OfType<PixelRegion>(), part =>
        {
            Assert.InRange(part.Width * part.Height / 3072.0, 0.09, 0.215);
            Assert.InRange((double)part.Height / part.Width, 0.45, 2.2);
            Assert.True(part.Left + part.Width <= 64 && part.Top + part.Height <= 48);
        });
    }

    [Fact]
    public void Erase_NoiseOrZeros_FillsTheRectangleAlone()
    {
        var random = new StableRandom(9);
        var image = Enumerable.Repeat(5f, 2 * 40 * 50).ToArray();
        RandomParts.Erase(image, 2, 40, 50, new PixelRegion(5, 10, 30, 20), noise: true, ref random);
        var noise = image.Where(value => value != 5).Select(value => (double)value).ToList();
        Assert.Equal(1200, noise.Count);
        Assert.InRange(noise.Average(), -0.1, 0.1);
        Assert.InRange(noise.Select(value => value * value).Average(), 0.9, 1.1);
        RandomParts.Erase(image, 2, 40, 50, new PixelRegion(0, 0, 50, 40), noise: false, ref random);
        Assert.All(image, value => Assert.Equal(0, value));
    }
}
