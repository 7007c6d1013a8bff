using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Speech.Models;

[Collection(nameof(TorchGenerator))]
public sealed class CtcGruTests
{
    private static readonly DatasetInfo Info = new("tones", [6], []) { Ctc = new CtcInfo(["a", "b", "c"], [1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3]) };

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

    [Fact]
    public void Forward_AmongMemoryOfNaN_ReadsNoneOfIt()
    {
        // 40 bands are 2.5 vector registers of AVX-512.
        using var scope = NewDisposeScope();
        using var network = new CtcGru(new CtcGruOptions { Width = 16, Channels = 24 }, new DatasetInfo("tones", [40], []) { Ctc = new CtcInfo(["a"], new float[40], Enumerable.Repeat(1f, 40).ToArray()) });
        var (features, lengths) = (randn(4, 101, 40), tensor(new long[] { 101, 90, 50, 7 }));
        for (var i = 0; i < 10; i++)
        {
            using (NewDisposeScope())
            {
                for (var rows = 1; rows < 200; rows += 7)
                {
                    _ = full([4, rows, 48], float.NaN);
                }
            }

            Assert.True(network.Forward(features, lengths).isfinite().all().ToBoolean());
        }
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
