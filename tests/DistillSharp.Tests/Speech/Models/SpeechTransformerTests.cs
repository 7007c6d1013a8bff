using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using DistillSharp.Training;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Speech.Models;

[Collection(nameof(TorchGenerator))]
public sealed class SpeechTransformerTests
{
    private static readonly SymbolAlphabet Alphabet = new("abc");

    private static readonly DatasetInfo Info = new("tones", [6], [])
    {
        Ctc = new CtcInfo(Alphabet.Symbols, [1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3]),
        Sequence = SpeechTokens.Of(Alphabet.Symbols),
    };

    private static SpeechTransformer Create(int encoder = 2, int decoder = 2, int width = 12, int heads = 3)
    {
        manual_seed(5);
        var network = new SpeechTransformer(new SpeechTransformerOptions { Width = width, Heads = heads, FeedForward = 20, EncoderLayers = encoder, DecoderLayers = decoder, Channels = 7 }, Info);
        network.eval();
        return network;
    }

    private static Batch Features(long[] lengths, long[,] decoder, Func<Tensor, Tensor>? padding = null)
    {
        var longest = lengths.Max();
        manual_seed(4);
        var input = randn(lengths.Length, longest, 6);
        var valid = arange(longest).unsqueeze(0).lt(tensor(lengths).unsqueeze(1)).unsqueeze(-1);
        return new Batch
        {
            Inputs = new Dictionary<string, Tensor>
            {
                [Batch.DefaultInput] = where(valid, input, padding is null ? zeros_like(input) : padding(input)),
                [Batch.DecoderInput] = tensor(decoder),
            },
            Lengths = new Dictionary<string, Tensor> { [Batch.DefaultInput] = tensor(lengths) },
            SampleIds = [.. lengths.Select((_, i) => (long)i)],
            AugmentationKeys = new ulong[lengths.Length],
        };
    }

    [Fact]
    public void Logits_OfAnUtterance_DoNotDependOnItsBatch()
    {
        using var scope = NewDisposeScope();
        using var network = Create();
        var decoder = new long[,] { { 1, 3, 4 }, { 1, 5, 5 }, { 1, 4, 3 } };
        long[] lengths = [21, 9, 16];
        var (clean, dirty) = (network.Logits(Features(lengths, decoder)), network.Logits(Features(lengths, decoder, input => (input * 1000) + 7)));
        Assert.Equal([3, 3, 6], clean.shape);
        Assert.Equal(0, (clean - dirty).abs().max().item<float>());
        var (memory, _) = network.Encode(Features([21, 9, 16], decoder).Input[1].narrow(0, 0, 9).unsqueeze(0), tensor(new[] { 9L }));
        var (all, _) = network.Encode(Features(lengths, decoder).Input, tensor(lengths));
        Assert.Equal(0, (memory[0] - all[1].narrow(0, 0, network.OutputFrames(9))).abs().max().item<float>(), 1e-5);
        Assert.Equal([6, 3, 4], network.MaskOf("encoder1", Features(lengths, decoder))!.sum(1).data<float>().ToArray());
    }

    [Fact]
    public void OpenSteps_SymbolBySymbol_GivesTheLogitsOfTheWholeText()
    {
        using var scope = NewDisposeScope();
        using var network = Create();
        var batch = Features([21, 9], new long[,] { { 1, 3, 4, 5 }, { 1, 5, 5, 3 } });
        var whole = network.Logits(batch);
        using var steps = network.OpenSteps(batch, 1);
        var logits = new float[2 * 6];
        for (var i = 0; i < 4; i++)
        {
            steps.Step([(int)batch.Inputs[Batch.DecoderInput][0, i].item<long>(), (int)batch.Inputs[Batch.DecoderInput][1, i].item<long>()], logits);
            Assert.Equal(0, (tensor(logits, [2, 6]) - whole.select(1, i)).abs().max().item<float>(), 1e-5);
        }
    }

    [Fact]
    public void Tokens_OfLabels_AreDecodedToTheText()
    {
        var tokens = SpeechTokens.Of(Alphabet.Symbols);
        Assert.Equal(6, tokens.Vocabulary);
        int[] labels = [.. Alphabet.Encode("cab").Select(SpeechTokens.OfLabel)];
        Assert.Equal([5, 3, 4], labels);
        Assert.Equal("cab", SpeechTokens.Text([tokens.Begin, .. labels, tokens.End, tokens.Pad], Alphabet.Symbols));
    }

    [Fact]
    public void LayerStart_ChosenLayers_AreCopied()
    {
        using var scope = NewDisposeScope();
        using var teacher = Create(3, 2);
        using var student = Create(2, 1);
        SpeechLayerStart.Copy(teacher, student, new FromLayersOptions { Encoder = [1, 3], Decoder = [2] });
        var given = teacher.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        Assert.All(student.named_parameters(), entry => Assert.Equal(0, (entry.parameter - given[
            entry.name.Replace("encoder.layers.1.", "encoder.layers.2.", StringComparison.Ordinal).Replace("decoder.layers.0.", "decoder.layers.1.", StringComparison.Ordinal)]).abs().max().item<float>()));
        Assert.Contains("from_layers.decoder must name 1", Assert.Throws<ArgumentException>(() => SpeechLayerStart.Copy(teacher, student, new FromLayersOptions { Encoder = [1, 3] })).Message, StringComparison.Ordinal);
        using var wide = Create(2, 1, 24);
        Assert.Contains("same widths", Assert.Throws<ArgumentException>(() => SpeechLayerStart.Copy(teacher, wide, new FromLayersOptions { Encoder = [1, 3], Decoder = [2] })).Message, StringComparison.Ordinal);
    }
}
