using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Teachers;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Teachers;

/// <summary>What a teacher sees, compared with loops over pixels.</summary>
public sealed class PreprocessingTests
{
    private static readonly DatasetInfo Colours = new("colours", [3, 2, 2], []);
    private static readonly DatasetInfo Greys = new("greys", [1, 2, 2], []);
    private static readonly Normalisation Data = new([0.1f, 0.2f, 0.3f], [0.5f, 0.25f, 2f]);
    private static readonly Dictionary<string, string> Nothing = [];

    [Fact]
    public void Apply_NothingSaid_GivesTheBatchItself()
    {
        using var scope = NewDisposeScope();
        var batch = Of(rand(2, 3, 2, 2));
        Assert.Same(batch, new Preprocessing(new OnnxTeacherOptions(), Colours, Data, Nothing).Apply(batch));
    }

    [Theory]
    [InlineData(Colour.Rgb)]
    [InlineData(Colour.Bgr)]
    public void Apply_MeanAndDeviation_AreInTheTeachersOrder(Colour colour)
    {
        using var scope = NewDisposeScope();
        var raw = rand(2, 3, 2, 2);
        var (mean, deviation) = (new[] { 0.4, 0.5, 0.6 }, new[] { 2.0, 3.0, 4.0 });
        var options = new OnnxTeacherOptions { Colour = colour, Mean = mean, Deviation = deviation };
        var seen = new Preprocessing(options, Colours, Data, Nothing).Apply(Of(Normalised(raw))).Input;
        for (var channel = 0; channel < 3; channel++)
        {
            var from = colour == Colour.Bgr ? 2 - channel : channel;
            Assert.True(Close((raw[.., from] - mean[channel]) / deviation[channel], seen[.., channel]));
        }
    }

    [Fact]
    public void Apply_GreyOfColours_WeighsThemInTheDatasOwnScale()
    {
        using var scope = NewDisposeScope();
        var raw = rand(2, 3, 2, 2);
        var options = new OnnxTeacherOptions { Colour = Colour.Grey, Mean = [0.5], Deviation = [0.1] };
        var seen = new Preprocessing(options, Colours, Data, Nothing).Apply(Of(Normalised(raw))).Input;
        var grey = (raw[.., 0] * 0.299) + (raw[.., 1] * 0.587) + (raw[.., 2] * 0.114);
        Assert.Equal([2, 1, 2, 2], seen.shape);
        Assert.True(Close((grey - 0.5) / 0.1, seen[.., 0]));
    }

    [Theory]
    [InlineData(Colour.Rgb)]
    [InlineData(Colour.Bgr)]
    public void Apply_ColourOfGrey_IsTheSameInAllChannels(Colour colour)
    {
        using var scope = NewDisposeScope();
        var raw = rand(2, 1, 2, 2);
        var options = new OnnxTeacherOptions { Colour = colour, Mean = [0.4, 0.5, 0.6], Deviation = [2, 3, 4] };
        var seen = new Preprocessing(options, Greys, new Normalisation([0.3f], [0.7f]), Nothing).Apply(Of((raw - 0.3) / 0.7)).Input;
        for (var channel = 0; channel < 3; channel++)
        {
            Assert.True(Close((raw[.., 0] - options.Mean[channel]) / options.Deviation[channel], seen[.., channel]));
        }
    }

    [Fact]
    public void Apply_PixelsTo255_IsADeviationOfOneTwoHundredAndFiftyFifth()
    {
        using var scope = NewDisposeScope();
        var raw = rand(2, 1, 2, 2);
        var options = new OnnxTeacherOptions { Mean = [0], Deviation = [1.0 / 255] };
        Assert.True((raw * 255).allclose(new Preprocessing(options, Greys, null, Nothing).Apply(Of(raw)).Input, 1e-4, 1e-3));
    }

    [Theory]
    [InlineData(Layout.Nhwc)]
    [InlineData(Layout.Flat)]
    public void Apply_Layout_OrdersTheAxes(Layout layout)
    {
        using var scope = NewDisposeScope();
        var raw = rand(2, 3, 2, 2);
        var seen = new Preprocessing(new OnnxTeacherOptions { Layout = layout }, Colours, null, Nothing).Apply(Of(raw)).Input;
        for (var channel = 0; channel < 3; channel++)
        {
            for (var pixel = 0; pixel < 4; pixel++)
            {
                var (y, x) = (pixel / 2, pixel % 2);
                var value = layout == Layout.Nhwc ? seen[1, y, x, channel] : seen[1, (channel * 4) + pixel];
                Assert.Equal(raw[1, channel, y, x].item<float>(), value.item<float>());
            }
        }
    }

    [Fact]
    public void Apply_LargerSize_InterpolatesBetweenPixelCentres()
    {
        using var scope = NewDisposeScope();
        var raw = rand(1, 1, 2, 2);
        var seen = new Preprocessing(new OnnxTeacherOptions { Size = [4, 6] }, Greys, null, Nothing).Apply(Of(raw)).Input;
        Assert.Equal([1, 1, 4, 6], seen.shape);
        for (var y = 0; y < 4; y++)
        {
            for (var x = 0; x < 6; x++)
            {
                var (down, right) = (Math.Clamp(((y + 0.5) * 2 / 4) - 0.5, 0, 1), Math.Clamp(((x + 0.5) * 2 / 6) - 0.5, 0, 1));
                var expected = ((1 - down) * (((1 - right) * Pixel(0, 0)) + (right * Pixel(0, 1)))) + (down * (((1 - right) * Pixel(1, 0)) + (right * Pixel(1, 1))));
                Assert.Equal(expected, seen[0, 0, y, x].item<float>(), 1e-5);
            }
        }

        double Pixel(int y, int x) => raw[0, 0, y, x].item<float>();
    }

    [Theory]
    [InlineData(true, 0.5)]
    [InlineData(false, 0)]
    public void Apply_SmallerSize_AveragesUnlessToldNotTo(bool antialias, double expected)
    {
        using var scope = NewDisposeScope();
        // Columns of ones and zeros: every second pair is between two zeros when only the nearest four pixels count.
        var raw = tensor(Enumerable.Range(0, 64).Select(i => i % 4 is 0 or 3 ? 1f : 0f).ToArray(), [1, 1, 8, 8]);
        var options = new OnnxTeacherOptions { Size = [2], Antialias = antialias };
        var seen = new Preprocessing(options, new DatasetInfo("greys", [1, 8, 8], []), null, Nothing).Apply(Of(raw)).Input;
        Assert.Equal(expected, seen[0, 0, 0, 0].item<float>(), 0.08);
    }

    [Fact]
    public void Apply_MetadataOfTheFile_CountsWhereTheRecipeSaysNothing()
    {
        using var scope = NewDisposeScope();
        var raw = rand(2, 1, 2, 2);
        var texts = new Dictionary<string, string> { [Provenance.Mean] = "[0.25]", [Provenance.Deviation] = "[0.5]" };
        Assert.True(Close((raw - 0.25) / 0.5, new Preprocessing(new OnnxTeacherOptions(), Greys, null, texts).Apply(Of(raw)).Input));
        Assert.True(Close(raw - 1, new Preprocessing(new OnnxTeacherOptions { Mean = [1], Deviation = [1] }, Greys, null, texts).Apply(Of(raw)).Input));
    }

    [Fact]
    public void Apply_FileThatWasTrainedWithoutNormalisation_GivesItValuesAsTheyAre()
    {
        using var scope = NewDisposeScope();
        var raw = rand(2, 3, 2, 2);
        var texts = new Dictionary<string, string> { [Provenance.Mean] = "[]", [Provenance.Deviation] = "[]" };
        Assert.True(Close(raw, new Preprocessing(new OnnxTeacherOptions(), Colours, Data, texts).Apply(Of(Normalised(raw))).Input));
        var batch = Of(raw);
        Assert.Same(batch, new Preprocessing(new OnnxTeacherOptions(), Colours, null, texts).Apply(batch));
    }

    [Theory]
    [InlineData("[]", "[0.5]", "0 values of `distill.mean` and 1 of `distill.deviation`")]
    [InlineData("[0.5, 0.5]", "[0.5]", "2 values of `distill.mean` and 1 of `distill.deviation`")]
    [InlineData("0.5", "[0.5]", "`distill.mean` in the metadata")]
    [InlineData("[0.5]", "null", "`distill.deviation` in the metadata")]
    public void Constructor_MetadataThatIsNoMeanAndDeviation_NamesTheKey(string mean, string deviation, string message)
    {
        var texts = new Dictionary<string, string> { [Provenance.Mean] = mean, [Provenance.Deviation] = deviation };
        var error = Assert.Throws<InvalidDataException>(() => new Preprocessing(new OnnxTeacherOptions(), Colours, Data, texts));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WhatTheDataCannotGive_IsRefused()
    {
        var vectors = new DatasetInfo("vectors", [4], []);
        Assert.Contains("samples of shape [4]", Fault(new OnnxTeacherOptions { Size = [8] }, vectors, null), StringComparison.Ordinal);
        Assert.Contains("greys has 2", Fault(new OnnxTeacherOptions { Colour = Colour.Rgb }, new DatasetInfo("greys", [2, 2, 2], []), null), StringComparison.Ordinal);
        Assert.Contains("normalises 2 channels and gets 3", Fault(new OnnxTeacherOptions { Mean = [1, 2], Deviation = [1, 2] }, Colours, null), StringComparison.Ordinal);
        Assert.Contains("of its own", Fault(new OnnxTeacherOptions { Colour = Colour.Grey }, Colours, Data), StringComparison.Ordinal);
    }

    private static string Fault(OnnxTeacherOptions options, DatasetInfo data, Normalisation? given) =>
        Assert.Throws<ArgumentException>(() => new Preprocessing(options, data, given, Nothing)).Message;

    private static Tensor Normalised(Tensor raw) => (raw - tensor(new[] { 0.1f, 0.2f, 0.3f }, [1, 3, 1, 1])) / tensor(new[] { 0.5f, 0.25f, 2f }, [1, 3, 1, 1]);

    private static Batch Of(Tensor input) => Batch.Of(input, null, [.. Enumerable.Range(0, (int)input.shape[0]).Select(id => (long)id)]);

    private static bool Close(Tensor left, Tensor right) => left.allclose(right, 1e-4, 1e-5);
}
