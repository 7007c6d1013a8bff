using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Speech.Models;

[Collection(nameof(TorchGenerator))]
public sealed class CtcGruTests
{
    private static readonly DatasetInfo Info = new("tones", [6], []) { Ctc = new CtcInfo(["a", "b", "c"], [1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3]) };

    private static Batch Features(long[] lengths, Func<Tensor, Tensor>? padding = null)
    {
        var longest = lengths.Max();
        manual_seed(4);
        var input = randn(lengths.Length, longest, 6);
        var valid = arange(longest).unsqueeze(0).lt(tensor(lengths).unsqueeze(1)).unsqueeze(-1);
        return new Batch
        {
            Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = where(valid, input, padding is null ? zeros_like(input) : padding(input)) },
            Lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = tensor(lengths) },
            SampleIds = [.. lengths.Select((_, i) => (long)i)],
            AugmentationKeys = new ulong[lengths.Length],
        };
    }

    [Theory]
    [InlineData(true, 4)]
    [InlineData(false, 2)]
    public void Logits_Padding_IsNeverRead(bool bidirectional, int subsampling)
    {
        using var scope = NewDisposeScope();
        using var network = new CtcGru(new CtcGruOptions { Layers = 2, Width = 5, Channels = 7, Bidirectional = bidirectional, Subsampling = subsampling, Heads = [1] }, Info);
        network.eval();
        long[] lengths = [21, 9, 1, 16];
        var batch = Features(lengths);
        var (clean, dirty) = (network.Logits(batch), network.Logits(Features(lengths, input => (input * 1000) + 7)));
        for (var row = 0; row < lengths.Length; row++)
        {
            var frames = network.OutputFrames((int)lengths[row]);
            Assert.Equal(frames, (int)network.MaskOfLogits(clean, batch)![row].sum().item<float>());
            Assert.Equal(frames, (int)network.MaskOf("inter1", batch)![row].sum().item<float>());
            Assert.Equal(0, (clean[row] - dirty[row]).narrow(0, 0, frames).abs().max().item<float>());
            // Alone, without any padding, it is the same.
            var alone = network.Forward(batch.Input[row].narrow(0, 0, lengths[row]).unsqueeze(0), tensor(new[] { lengths[row] }));
            Assert.Equal(0, (clean[row].narrow(0, 0, frames) - alone[0]).abs().max().item<float>(), 1e-5);
        }
    }

    [Fact]
    public void Logits_OneDirection_DoesNotDependOnWhatComesLater()
    {
        using var scope = NewDisposeScope();
        using var network = new CtcGru(new CtcGruOptions { Layers = 2, Width = 5, Channels = 7, Bidirectional = false }, Info);
        network.eval();
        var batch = Features([40]);
        var other = batch.Input.clone();
        other.narrow(1, 24, 16).mul_(3);
        var (before, after) = (network.Logits(batch), network.Forward(other, tensor(new[] { 40L })));
        // An output frame sees three input frames beyond its own four.
        Assert.Equal(0, (before - after).narrow(1, 0, 5).abs().max().item<float>());
        Assert.True((before - after).narrow(1, 6, 4).abs().max().item<float>() > 1e-4);
    }

    [Fact]
    public void Parameters_Counts_AreThoseOfTheLayers()
    {
        using var network = new CtcGru(new CtcGruOptions { Layers = 2, Width = 5, Channels = 7, Heads = [1] }, Info);
        static long Gru(long inputs, long width) => 3 * width * (inputs + width + 2);
        var expected = ((6 * 3) + 1) * 7 + ((7 * 3) + 1) * 7 + (2 * Gru(7, 5)) + (2 * Gru(10, 5)) + (2 * 20) + (2 * 11 * 4);
        Assert.Equal(expected, network.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(["layer1", "layer2", "inter1", "logits"], network.FeaturePoints.Select(point => point.Name));
        Assert.Contains("mean", network.named_buffers().Select(entry => entry.name));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Export_BatchWithPadding_GivesTheNetworksLogits(bool bidirectional)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var network = new CtcGru(new CtcGruOptions { Layers = 2, Width = 5, Channels = 7, Bidirectional = bidirectional }, Info);
        CtcGruExport.Write(network, folder.File("x.onnx"), new Dictionary<string, string>());
        Assert.InRange(CtcGruExport.Check(network, folder.File("x.onnx"), Features([33, 10, 1])), 0, 1e-4);
        Assert.InRange(CtcGruExport.Check(network, folder.File("x.onnx"), Features([8])), 0, 1e-4);
    }

    [Fact]
    public void SpikeDisagreement_SymbolsOfBoth_AreComparedInFramesOfTheTeacher()
    {
        CtcSymbol[] teacher = [new(1, 2, 1), new(2, 5, 1), new(3, 9, 1)];
        CtcSymbol[] student = [new(1, 6, 1), new(3, 16, 1)];
        Assert.Equal((1 + 1) / 2.0, SpeechMetrics.SpikeDisagreement([student], 2, [teacher], 4));
        Assert.True(double.IsNaN(SpeechMetrics.SpikeDisagreement([[]], 4, [teacher], 4)));
    }
}
