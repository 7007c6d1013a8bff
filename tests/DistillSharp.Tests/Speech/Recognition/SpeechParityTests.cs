using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Audio;
using DistillSharp.Speech.Corpora;
using DistillSharp.Speech.Models;
using DistillSharp.Speech.Recognition;
using static TorchSharp.torch;

namespace DistillSharp.Tests.Speech.Recognition;

[Collection(nameof(TorchGenerator))]
public sealed class SpeechParityTests
{
    private const int Beam = 3;

    [Fact]
    public void Compare_AnotherWritersFiles_GivesTheGapOfTheTwoBestTexts()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var alphabet = new SymbolAlphabet(ToneWords.Alphabet);
        var info = new DatasetInfo("tones", [8], [])
        {
            Ctc = new CtcInfo(alphabet.Symbols, new float[8], [1, 1, 1, 1, 1, 1, 1, 1]),
            Sequence = SpeechTokens.Of(alphabet.Symbols),
        };
        SpeechTransformer Create(int seed)
        {
            manual_seed(seed);
            var network = new SpeechTransformer(new SpeechTransformerOptions { Width = 12, Heads = 3, FeedForward = 20, EncoderLayers = 1, DecoderLayers = 1, Channels = 7 }, info);
            network.eval();
            return network;
        }

        List<SpeechUtterance> utterances = [.. Enumerable.Range(0, 5).Select(i =>
        {
            var clip = ToneWords.Say(ToneWords.Text((ulong)i), (ulong)i);
            WavFile.Write(folder.File($"{i}.wav"), clip);
            return new SpeechUtterance(folder.File($"{i}.wav"), "a", clip.Seconds, "tones");
        })];
        var features = new FeatureCache(new SpeechOptions { Mels = 8 });
        SpeechBatches OfSize(int size) => new(info, utterances, alphabet, features, new SpeechBatchOptions { BatchSize = size });

        using var network = Create(5);
        var live = AttentionRecogniser.Write(network.Sequence, network.OutputFrames, batch => network.OpenSteps(batch, Beam), OfSize(16), new DecodingOptions { Beam = Beam }, TestContext.Current.CancellationToken);
        // Two untrained networks may write the same by chance, several do not.
        var mismatches = Enumerable.Range(6, 10).Select(seed =>
        {
            using var other = Create(seed);
            var (encoder, decoder) = (folder.File($"{seed}.encoder.onnx"), folder.File($"{seed}.decoder.onnx"));
            SpeechTransformerExport.Write(other, encoder, decoder, new Dictionary<string, string>());
            using var exported = new OnnxSpeechWriter(encoder, decoder);
            return SpeechParity.Compare(network, exported, OfSize, alphabet, Beam).Mismatches.Where(mismatch => mismatch.Beam == Beam).ToList();
        }).First(found => found.Count > 0);
        Assert.All(mismatches, mismatch => Assert.Equal(
            live[mismatch.SampleId].Count > 1 ? live[mismatch.SampleId][0].Score(1) - live[mismatch.SampleId][1].Score(1) : double.MaxValue, mismatch.Margin, 1e-6));
    }
}
