using DistillSharp.Data;

namespace DistillSharp.Tests.Data;

public class ImageResamplerTests
{
    // Weights by the definition: a triangle of half-width max(1, scale) around the centre of each place, over the pixels of the part.
    private static double[] Naive(double[] line, int to)
    {
        var scale = (double)line.Length / to;
        var reach = Math.Max(1, scale);
        return [.. Enumerable.Range(0, to).Select(i =>
        {
            var weights = line.Select((_, k) => Math.Max(0, 1 - (Math.Abs(k + 0.5 - ((i + 0.5) * scale)) / reach))).ToArray();
            return line.Zip(weights, (value, weight) => value * weight).Sum() / weights.Sum();
        })];
    }

    [Theory]
    [InlineData(12, 9, 5, 7)]
    [InlineData(6, 4, 11, 13)]
    [InlineData(9, 9, 9, 9)]
    public void Scale_APartOfAnImage_IsTheTriangleFilterOverThatPart(int width, int height, int toWidth, int toHeight)
    {
        var random = new Random(3);
        var pixels = new byte[3 * 16 * 20];
        random.NextBytes(pixels);
        var part = new PixelRegion(2, 1, width, height);
        var expected = new byte[3 * toHeight * toWidth];
        for (var channel = 0; channel < 3; channel++)
        {
            var rows = Enumerable.Range(0, height).Select(y => Naive([.. Enumerable.Range(0, width).Select(x => (double)pixels[(channel * 320) + ((y + 1) * 20) + x + 2])], toWidth)).ToArray();
            for (var x = 0; x < toWidth; x++)
            {
                var column = Naive([.. rows.Select(row => row[x])], toHeight);
                for (var y = 0; y < toHeight; y++)
                {
                    expected[(((channel * toHeight) + y) * toWidth) + x] = (byte)(column[y] + 0.5);
                }
            }
        }

        var result = new byte[expected.Length];
        ImageResampler.Scale(new PlanarImage(pixels, 3, 16, 20), part, toHeight, toWidth, result);
        Near(expected, result);

        var interleaved = new byte[16 * 20 * 4];
        for (var i = 0; i < 320; i++)
        {
            (interleaved[4 * i], interleaved[(4 * i) + 1], interleaved[(4 * i) + 2]) = (pixels[i], pixels[320 + i], pixels[640 + i]);
        }

        var whole = new byte[expected.Length];
        ImageResampler.ScaleInterleaved(interleaved, 20, part, toHeight, toWidth, new PixelRegion(0, 0, toWidth, toHeight), whole);
        Near(expected, whole);

        var window = new byte[3 * 2 * 3];
        ImageResampler.ScaleInterleaved(interleaved, 20, part, toHeight, toWidth, new PixelRegion(1, 2, 3, 2), window);
        Assert.Equal(whole[(2 * toWidth) + 1], window[0]);
        Assert.Equal(whole[(2 * toHeight * toWidth) + (3 * toWidth) + 3], window[^1]);
    }

    private static void Near(byte[] expected, byte[] result)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.InRange(result[i], expected[i] - 1, expected[i] + 1);
        }

        Assert.InRange(expected.Zip(result).Count(pair => pair.First != pair.Second), 0, expected.Length / 50);
    }
}
