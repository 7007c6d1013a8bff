using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Vision.Reading;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Vision.Reading;

/// <summary>A network that reads lines of text.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class CtcCnnTests
{
    private static DatasetInfo Lines(long height, long width) => new("lines", [1, height, width], [CtcInfo.Blank, "a", "b"]) { Ctc = new CtcInfo(["a", "b"], [], []) };

    [Fact]
    public void Logits_LineOfText_AreOneDecisionEveryEightPixelsOfItsOwnPlace()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        using var network = new CtcCnn(new CtcCnnOptions { Channels = [3, 4, 5, 6, 7] }, Lines(16, 96));
        network.eval();
        var image = rand(2, 1, 16, 96);
        var changed = image.clone();
        changed[0, 0, .., TensorIndex.Slice(90, 96)] += 1;
        var (before, after) = (network.forward(image), network.forward(changed));

        Assert.Equal([2L, 12, 3], before.shape);
        var moved = (before - after).abs().sum(2)[0].data<float>().ToArray();
        Assert.All(moved[..7], difference => Assert.True(difference < 1e-6));
        Assert.True(moved[^1] > 1e-6);
        Assert.Null(network.MaskOfLogits(before, Batch.Of(image, null, [0, 1])));
    }

    [Fact]
    public void Export_Onnx_GivesTheSameFrames()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        using var network = new CtcCnn(new CtcCnnOptions { Channels = [3, 4, 5, 6, 7] }, Lines(24, 64));
        network.eval();
        Assert.InRange(OnnxExporter.Export(network, Lines(24, 64), folder.File("reader.onnx"), rand(5, 1, 24, 64)).LargestDifference, 0, 1e-4);
        Assert.Throws<ArgumentException>(() => new CtcCnn(new CtcCnnOptions(), Lines(20, 64)));
    }
}
