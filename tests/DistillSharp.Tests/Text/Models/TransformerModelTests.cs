using DistillSharp.Data;
using DistillSharp.Export;
using DistillSharp.Sequences;
using DistillSharp.Sequences.Transformers;
using DistillSharp.Text.Models;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Text.Models;

[Collection(nameof(TorchGenerator))]
public sealed class TransformerModelTests
{
    private static readonly DatasetInfo Info = new("toy", [], []) { Sequence = new SequenceInfo(40, 0, 1, 2, "") };

    private static readonly int[][] Sources = [[5, 6, 7, 2], [8, 9, 10, 11, 12, 13, 2], [14, 2]];

    public static TheoryData<DecoderKind> Kinds => [DecoderKind.Attention, DecoderKind.Ssru];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Step_TokenByToken_GivesTheLogitsOfTheWhole(DecoderKind kind)
    {
        using var network = Create(kind);
        int[][] targets = [[1, 20, 21, 22], [1, 23, 24, 25], [1, 26, 27, 28]];
        using var scope = NewDisposeScope();
        var whole = network.Logits(BatchOf(Sources, targets));

        using var steps = network.OpenSteps(Sources, 1);
        var logits = new float[3 * 40];
        for (var t = 0; t < 4; t++)
        {
            steps.Step([.. targets.Select(target => target[t])], logits);
            for (var row = 0; row < 3; row++)
            {
                AssertClose(whole[row, t].data<float>().ToArray(), logits.AsSpan(row * 40, 40));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Logits_PaddingAndLaterTokens_ChangeNothing(DecoderKind kind)
    {
        using var network = Create(kind);
        using var scope = NewDisposeScope();
        var together = network.Logits(BatchOf(Sources, [[1, 20, 21], [1, 22, 23], [1, 24, 25]]));
        var alone = network.Logits(BatchOf([Sources[0]], [[1, 20, 21]]));
        var other = network.Logits(BatchOf([Sources[0]], [[1, 20, 33]]));

        AssertClose(alone[0].data<float>().ToArray(), together[0].data<float>().ToArray());
        AssertClose(alone[0, 1].data<float>().ToArray(), other[0, 1].data<float>().ToArray());
        Assert.NotEqual(alone[0, 2].data<float>().ToArray(), other[0, 2].data<float>().ToArray());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Decode_BeamWithAndWithoutPadding_IsTheSame(DecoderKind kind)
    {
        using var network = Create(kind);
        var (one, all) = (Decode(network, 1), Decode(network, 3));

        Assert.Equal(one.Select(output => string.Join(' ', output.Tokens)), all.Select(output => string.Join(' ', output.Tokens)));
        Assert.Equal(one.Select(output => output.LogProbability), all.Select(output => output.LogProbability), (left, right) => Math.Abs(left - right) < 1e-4);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Decode_LogProbability_IsThatOfTheWholeForwardPass(DecoderKind kind)
    {
        using var network = Create(kind);
        using var scope = NewDisposeScope();
        foreach (var (index, output) in Decode(network, 3).Index())
        {
            int[] target = output.IsEnded ? [.. output.Tokens, 2] : output.Tokens;
            var logProbabilities = network.Logits(BatchOf([Sources[index]], [[1, .. target[..^1]]])).log_softmax(-1)[0];

            Assert.Equal(target.Select((token, t) => (double)logProbabilities[t, token].item<float>()).Sum(), output.LogProbability, 1e-3);
        }
    }

    [Fact]
    public void Parameters_TiedMatrix_AreCountedOnce()
    {
        // d=16, h=32: encoder layer 4d²+4d + 2dh+d+h + 4d; decoder layer twice the attention and 6d; two last norms.
        const int Attention = (4 * 16 * 16) + (4 * 16), FeedForward = (2 * 16 * 32) + 16 + 32;
        using var network = Create(DecoderKind.Attention);

        Assert.Equal((40 * 16) + (2 * (Attention + FeedForward + 64)) + (2 * Attention) + FeedForward + 96 + 64, network.parameters().Sum(parameter => parameter.numel()));
    }

    [Fact]
    public void FeaturePoints_EachName_IsAModule()
    {
        using var network = Create(DecoderKind.Attention);
        var modules = network.named_modules().Select(module => module.name).ToHashSet();

        Assert.All(network.FeaturePoints, point => Assert.Contains(point.ModulePath, modules));
    }

    [Fact]
    public void Safetensors_WrittenAndRead_GivesTheSameLogits()
    {
        using var folder = new TemporaryFolder();
        using var network = Create(DecoderKind.Ssru);
        using var other = Create(DecoderKind.Ssru);
        foreach (var parameter in other.parameters())
        {
            using var noGradient = no_grad();
            parameter.add_(0.1);
        }

        Provenance.WriteWeights(folder.File("a.safetensors"), network, new Dictionary<string, string>());
        Safetensors.LoadInto(other, folder.File("a.safetensors"));

        using var scope = NewDisposeScope();
        var batch = BatchOf(Sources, [[1], [1], [1]]);
        Assert.Equal(network.Logits(batch).data<float>().ToArray(), other.Logits(batch).data<float>().ToArray());
    }

    private static Hypothesis[] Decode(TransformerModel network, int size) =>
        new SequenceDecoder(network.OpenSteps, network.Tokens, new DecodingOptions { BatchSize = size, ExtraLength = 4 }).Decode(Sources);

    private static TransformerModel Create(DecoderKind kind)
    {
        random.manual_seed(3);
        var network = new TransformerModel(new TransformerOptions { Width = 16, Heads = 2, FeedForward = 32, EncoderLayers = 2, DecoderLayers = 1, Decoder = kind }, Info);
        network.eval();
        return network;
    }

    private static Batch BatchOf(int[][] sources, int[][] inputs) => new()
    {
        Inputs = new Dictionary<string, Tensor> { [Batch.DefaultInput] = PaddedRows.Of(sources, 0), [Batch.DecoderInput] = PaddedRows.Of(inputs, 0) },
        SampleIds = [.. sources.Select((_, i) => (long)i)],
        AugmentationKeys = new ulong[sources.Length],
    };

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-4f);
        }
    }
}
