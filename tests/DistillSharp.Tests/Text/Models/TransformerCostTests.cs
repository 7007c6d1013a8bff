using DistillSharp.Data;
using DistillSharp.Sequences.Transformers;
using DistillSharp.Text.Models;
using TorchSharp.Modules;

namespace DistillSharp.Tests.Text.Models;

[Collection(nameof(TorchGenerator))]
public sealed class TransformerCostTests
{
    [Theory]
    [InlineData(DecoderKind.Attention)]
    [InlineData(DecoderKind.Ssru)]
    public void MultiplyAdds_LinearLayers_AreTheirWeightsTimesTheTokensTheySee(DecoderKind decoder)
    {
        var options = new TransformerOptions { Width = 12, Heads = 2, EncoderLayers = 3, DecoderLayers = 2, FeedForward = 20, Decoder = decoder };
        using var network = new TransformerModel(options, new DatasetInfo("test", [], []) { Sequence = new SequenceInfo(70, 0, 1, 2, "") });
        const int Source = 5;
        const int Target = 4;
        var linear = network.named_modules().Where(entry => entry.module is Linear).Sum(entry =>
            ((Linear)entry.module).weight!.numel() * (entry.name.StartsWith("encoder", StringComparison.Ordinal) || entry.name.Contains("key_value") ? Source : Target));
        // Products of queries with keys and of weights with values: each position with all it may see.
        var encoder = options.EncoderLayers * Source * Source * 2 * options.Width;
        var history = decoder == DecoderKind.Ssru ? 0 : options.DecoderLayers * (1 + 2 + 3 + 4) * 2 * options.Width;
        var cross = options.DecoderLayers * Source * Target * 2 * options.Width;

        Assert.Equal(linear + encoder + history + cross + (Target * options.Width * 70), TransformerCost.MultiplyAdds(network, Source, Target));
    }
}
