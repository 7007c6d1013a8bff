using System.Text.Json;
using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Export.Onnx;
using DistillSharp.Models;
using DistillSharp.Tests.Models;
using DistillSharp.Vision;
using DistillSharp.Vision.Images;
using SkiaSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Vision;

/// <summary>Exported students on image files, against the live network on the same pixels.</summary>
public sealed class ImageClassifierTests : IDisposable
{
    private static readonly float[] Mean = [0.4f, 0.5f, 0.6f];
    private static readonly float[] Deviation = [0.2f, 0.3f, 0.25f];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Classify_ImageOfTheModelsSize_EqualsTheNetworkOnItsPixels(int channels)
    {
        using var scope = NewDisposeScope();
        using var network = Network(channels);
        var model = Export(network, channels);
        var (file, pixels) = Image(8, 8);

        using var noGradient = no_grad();
        var expected = nn.functional.softmax(network.forward(Input(pixels, channels)), 1).data<float>().ToArray();
        using var classifier = new ImageClassifier(model);
        var found = classifier.Classify(file, top: 10);

        Assert.Equal(4, found.Count);
        Assert.All(found, prediction => Assert.Equal(expected[classifier.Classes.ToList().IndexOf(prediction.Class)], prediction.Probability, 1e-4));
        Assert.Equal(found.OrderByDescending(prediction => prediction.Probability), found);
        Assert.Equal(found.Take(1), classifier.Classify(file, top: 1));
    }

    [Fact]
    public void Classify_GreyModel_SeesTheBytesThatItWasTrainedOn()
    {
        using var scope = NewDisposeScope();
        using var network = Network(1);
        using var classifier = new ImageClassifier(Export(network, 1));
        var (file, _) = Image(8, 8);
        var bytes = new byte[64];
        new ImageFiles(_folder.Path, [Path.GetFileName(file)], new ImageShape(1, 8, 8)).Read(0, null, bytes);

        using var noGradient = no_grad();
        var input = tensor(bytes.Select(value => ((value / 255f) - Mean[0]) / Deviation[0]).ToArray(), [1, 1, 8, 8]);
        var expected = nn.functional.softmax(network.forward(input), 1).data<float>().ToArray();
        Assert.All(classifier.Classify(file, top: 4), found => Assert.Equal(expected[classifier.Classes.ToList().IndexOf(found.Class)], found.Probability, 1e-5));
    }

    [Fact]
    public void Classify_WideImage_SeesItsMiddle()
    {
        using var network = Network(3);
        using var classifier = new ImageClassifier(Export(network, 3));
        var (narrow, pixels) = Image(8, 8);
        using var wide = new SKBitmap(24, 8, SKColorType.Rgba8888, SKAlphaType.Opaque);
        wide.Erase(SKColors.Red);
        for (var i = 0; i < 64; i++)
        {
            wide.SetPixel(8 + (i % 8), i / 8, pixels[i]);
        }

        Assert.Equal(classifier.Classify(narrow)[0].Probability, classifier.Classify(Save(wide, "wide.png"))[0].Probability, 1e-6);
    }

    [Fact]
    public void Classify_ModelThatWasEvaluatedOnTheMiddle_TakesIt()
    {
        using var network = Network(3);
        using var classifier = new ImageClassifier(Export(network, 3));
        using var middle = new ImageClassifier(Export(network, 3, resize: 16));
        var (narrow, pixels) = Image(8, 8);
        using var framed = new SKBitmap(16, 16, SKColorType.Rgba8888, SKAlphaType.Opaque);
        framed.Erase(SKColors.Red);
        for (var i = 0; i < 64; i++)
        {
            framed.SetPixel(4 + (i % 8), 4 + (i / 8), pixels[i]);
        }

        Assert.Equal(classifier.Classify(narrow)[0].Probability, middle.Classify(Save(framed, "framed.png"))[0].Probability, 1e-6);
        Assert.Equal(classifier.Classify(narrow)[0].Probability, middle.Classify(framed)[0].Probability, 1e-6);
    }

    [Theory]
    [InlineData(1f, "1")]
    [InlineData(255f, "1")]
    [InlineData(1f, "0.0625")]
    public void Classify_ModelOfAnotherScale_GetsItsNumbers(float white, string pixelScale)
    {
        using var network = Network(3);
        using var usual = new ImageClassifier(Export(network, 3));
        using var scaled = new ImageClassifier(Export(network, 3, white: white, pixelScale: pixelScale));
        var (file, _) = Image(8, 8);

        Assert.All(
            usual.Classify(file, top: 4).OrderBy(prediction => prediction.Class).Zip(scaled.Classify(file, top: 4).OrderBy(prediction => prediction.Class)),
            pair => Assert.Equal(pair.First.Probability, pair.Second.Probability, 1e-4));
    }

    [Theory]
    [InlineData(255f, null)]
    [InlineData(255f, "0.0625")]
    [InlineData(1000f, "1")]
    public void Constructor_ScaleThatNothingSays_IsRefused(float white, string? pixelScale)
    {
        using var network = Network(3);
        var model = Export(network, 3, white: white, pixelScale: pixelScale);
        var error = Assert.Throws<InvalidDataException>(() => new ImageClassifier(model));
        Assert.Contains("was trained on numbers beyond 0 to 1", error.Message, StringComparison.Ordinal);
        Assert.Contains(Provenance.PixelScale, error.Message, StringComparison.Ordinal);
    }

    /// <summary>Without normalisation only the range says whether pixels counted 0 to 1 or 0 to 255.</summary>
    [Theory]
    [InlineData("[0, 255]", 1 / 255f)]
    [InlineData("[0, 1]", 1f)]
    public void Classify_ModelThatIsNotNormalised_GetsNumbersOfTheRangeItHeld(string range, float same)
    {
        using var network = Network(3);
        using var ranged = new ImageClassifier(Export(network, 3, pixelScale: "1", range: range, deviation: 1));
        using var divided = new ImageClassifier(Export(network, 3, deviation: same));
        var (file, _) = Image(8, 8);

        Assert.Equal(divided.Classify(file).Select(prediction => prediction.Probability), ranged.Classify(file).Select(prediction => prediction.Probability), (left, right) => Math.Abs(left - right) < 1e-4);
    }

    [Fact]
    public void Constructor_ModelOfNegativeNumbers_IsRefused()
    {
        using var network = Network(3);
        var model = Export(network, 3, pixelScale: "1", range: "[-1, 1]");
        Assert.Contains("from -1 to 1", Assert.Throws<InvalidDataException>(() => new ImageClassifier(model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Classify_NoImage_NamesTheFile()
    {
        using var network = Network(3);
        using var classifier = new ImageClassifier(Export(network, 3));
        File.WriteAllText(_folder.File("text.png"), "no image");

        Assert.Contains("text.png", Assert.Throws<InvalidDataException>(() => classifier.Classify(_folder.File("text.png"))).Message, StringComparison.Ordinal);
        Assert.Contains("gone.png", Assert.Throws<FileNotFoundException>(() => classifier.Classify(_folder.File("gone.png"))).Message, StringComparison.Ordinal);
        Assert.Contains($"{_folder.Path} is a folder; give the images in it", Assert.Throws<InvalidDataException>(() => classifier.Classify(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_ModelWithoutPreprocessing_SaysWhatIsMissing()
    {
        using var network = Network(3);
        using var scope = NewDisposeScope();
        OnnxExporter.Export(network, SampleData.Images(3, 8, 4), _folder.File("bare.onnx"), randn(2, 3, 8, 8));
        Assert.Contains(Provenance.Mean, Assert.Throws<InvalidDataException>(() => new ImageClassifier(_folder.File("bare.onnx"))).Message, StringComparison.Ordinal);

        File.WriteAllText(_folder.File("text.onnx"), "no model");
        Assert.Throws<InvalidDataException>(() => new ImageClassifier(_folder.File("text.onnx")));
    }

    private static SmallCnn Network(int channels)
    {
        random.manual_seed(4);
        var network = new SmallCnn(new SmallCnnOptions { Channels = [4, 4] }, SampleData.Images(channels, 8, 4));
        RandomStatistics.Fill(network);
        network.eval();
        return network;
    }

    private static Tensor Input(SKColor[] pixels, int channels)
    {
        var rows = channels == 1
            ? new[] { pixels.Select(pixel => (((19595 * pixel.Red) + (38470 * pixel.Green) + (7471 * pixel.Blue) + 0x8000) >> 16) / 255f).ToArray() }
            : [pixels.Select(pixel => pixel.Red / 255f).ToArray(), pixels.Select(pixel => pixel.Green / 255f).ToArray(), pixels.Select(pixel => pixel.Blue / 255f).ToArray()];
        return tensor(rows.SelectMany((row, channel) => row.Select(value => (value - Mean[channel]) / Deviation[channel])).ToArray(), [1, channels, 8, 8]);
    }

    private string Export(Network network, int channels, int? resize = null, float white = 1, string? pixelScale = null, string? range = null, float? deviation = null)
    {
        using var scope = NewDisposeScope();
        var metadata = new Dictionary<string, string>
        {
            [Provenance.Mean] = JsonSerializer.Serialize(Mean[..channels].Select(mean => deviation is null ? mean * white : 0)),
            [Provenance.Deviation] = JsonSerializer.Serialize(Deviation[..channels].Select(own => deviation ?? own * white)),
        };
        if (resize is { } side)
        {
            metadata[Provenance.Resize] = $"{side}";
        }

        if (pixelScale is not null)
        {
            metadata[Provenance.PixelScale] = pixelScale;
        }

        if (range is not null)
        {
            metadata[Provenance.ValueRange] = range;
        }

        var file = _folder.File($"model{resize}_{white}_{pixelScale}{range}{deviation}.onnx");
        OnnxExporter.Export(network, SampleData.Images(channels, 8, 4), file, randn(2, channels, 8, 8), metadata);
        return file;
    }

    private (string File, SKColor[] Pixels) Image(int width, int height)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var draw = new StableRandom(7);
        for (var i = 0; i < width * height; i++)
        {
            bitmap.SetPixel(i % width, i / width, new SKColor((byte)draw.Below(256), (byte)draw.Below(256), (byte)draw.Below(256)));
        }

        return (Save(bitmap, "image.png"), bitmap.Pixels);
    }

    private string Save(SKBitmap bitmap, string name)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(_folder.File(name), data.ToArray());
        return _folder.File(name);
    }
}
