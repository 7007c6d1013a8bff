using DistillSharp.Data;
using DistillSharp.Export.Onnx;
using DistillSharp.Sequences;
using DistillSharp.Speech.Models;
using Microsoft.ML.OnnxRuntime;

namespace DistillSharp.Speech.Recognition;

/// <summary>An utterance that two engines hear differently.</summary>
/// <param name="SampleId">Its number among those compared.</param>
/// <param name="Beam">Width of the search; 1 is greedy search.</param>
/// <param name="BatchSize">Utterances in a batch of the second engine.</param>
/// <param name="Expected">What the live network hears.</param>
/// <param name="Found">What the file hears.</param>
/// <param name="Margin">
/// Greedy: the least difference of a frame's, or a step's, two best logits; beam: that of the two best texts' log-probabilities, where a network writes by their lengths.
/// </param>
internal sealed record SpeechMismatch(int SampleId, int Beam, int BatchSize, string Expected, string Found, double Margin);

/// <summary>How far an exported network is from the live one.</summary>
/// <param name="Utterances">Utterances compared, each alone and in padded batches.</param>
/// <param name="LargestDifference">The largest difference of a logit at a valid frame; null for networks that write.</param>
/// <param name="Mismatches">Texts that differ.</param>
internal sealed record SpeechParityReport(int Utterances, double? LargestDifference, IReadOnlyList<SpeechMismatch> Mismatches);

/// <summary>Compares an exported network with the live one on utterances, one by one and in padded batches, logits and texts.</summary>
internal static class SpeechParity
{
    /// <summary>Utterances in a padded batch.</summary>
    public const int BatchSize = 16;

    private const double LogitTolerance = 2e-3;
    private const double LargestMargin = 1e-2;

    /// <summary>Compares them.</summary>
    /// <param name="network">The live network; its mode is restored.</param>
    /// <param name="path">The file.</param>
    /// <param name="batches">The same utterances in batches of a size.</param>
    /// <param name="symbols">What labels stand for.</param>
    /// <param name="beam">Width of the beam beside greedy search.</param>
    public static SpeechParityReport Compare(CtcNetwork network, string path, Func<int, IBatchSource> batches, ISymbolCodec symbols, int beam)
    {
        var live = SpeechRecogniser.Frames(network, batches(BatchSize)).ToDictionary(each => each.SampleId, each => each.Logits);
        var (classes, largest, mismatches) = (network.Sound.Classes, 0.0, new List<SpeechMismatch>());
        var expected = live.ToDictionary(each => each.Key, each => (Greedy: Greedy(each.Value, classes, symbols), Beam: CtcDecoder.Beam(each.Value, classes, beam)));
        using var session = new InferenceSession(path, OnnxSession.Options());
        foreach (var size in new[] { 1, BatchSize })
        {
            foreach (var (id, logits) in Frames(session, network, batches(size)))
            {
                largest = Math.Max(largest, Difference(live[id], logits));
                var (greedy, nBest) = expected[id];
                if (Greedy(logits, classes, symbols) is var heard && heard != greedy)
                {
                    mismatches.Add(new SpeechMismatch(id, 1, size, greedy, heard, CtcDecoder.Margin(live[id], classes)));
                }

                var (best, found) = (symbols.Text(nBest[0].Labels), symbols.Text(CtcDecoder.Beam(logits, classes, beam)[0].Labels));
                if (best != found)
                {
                    mismatches.Add(new SpeechMismatch(id, beam, size, best, found, nBest.Count > 1 ? nBest[0].LogProbability - nBest[1].LogProbability : double.MaxValue));
                }
            }
        }

        return new SpeechParityReport(live.Count, largest, mismatches);
    }

    /// <summary>Compares the files of a network that writes with the live one: texts alone, as its outputs depend on what it wrote before. Greedy margins are those of the closest step.</summary>
    public static SpeechParityReport Compare(SpeechTransformer network, OnnxSpeechWriter exported, Func<int, IBatchSource> batches, ISymbolCodec symbols, int beam)
    {
        var (mismatches, count, training) = (new List<SpeechMismatch>(), 0, network.training);
        network.eval();
        foreach (var width in new[] { 1, beam })
        {
            var options = new DecodingOptions { Beam = width };
            var expected = AttentionRecogniser.Write(network.Sequence, network.OutputFrames, batch => network.OpenSteps(batch, width), batches(BatchSize), options);
            foreach (var size in new[] { 1, BatchSize })
            {
                var found = AttentionRecogniser.Write(network.Sequence, network.OutputFrames, batch => exported.Open(
                    batch.Input.contiguous().data<float>().ToArray(), batch.Lengths[Batch.DefaultInput].data<long>().ToArray(), batch.Input.shape[2], width), batches(size), options);
                count = found.Count;
                for (var i = 0; i < count; i++)
                {
                    var (text, other) = (SpeechTokens.Text(expected[i][0].Tokens, symbols.Symbols), SpeechTokens.Text(found[i][0].Tokens, symbols.Symbols));
                    if (text != other)
                    {
                        mismatches.Add(new SpeechMismatch(i, width, size, text, other, width == 1 ? expected[i][0].Margin : Gap(expected[i], options)));
                    }
                }
            }
        }

        network.train(training);
        return new SpeechParityReport(count, null, mismatches);
    }

    /// <summary>Refuses a file that is another network: rounding may turn what is as good as something else, and no more.</summary>
    /// <exception cref="ParityException">Logits differ, or texts where one is clearly better.</exception>
    public static void Require(SpeechParityReport report, string path)
    {
        if (report.LargestDifference is { } largest && !(largest <= LogitTolerance))
        {
            throw new ParityException($"{path} differs from the network by {largest:G3} in a logit; {LogitTolerance} is allowed");
        }

        if (report.Mismatches.Where(mismatch => mismatch.Margin > LargestMargin).ToList() is { Count: > 0 } wrong)
        {
            throw new ParityException($"{path}: {wrong.Count} texts of {report.Utterances} utterances are others than the network's, such as `{wrong[0].Found}` instead of `{wrong[0].Expected}`");
        }
    }

    private static double Gap(IReadOnlyList<Hypothesis> nBest, DecodingOptions options) =>
        nBest.Count > 1 ? nBest[0].Score(options.LengthPenalty) - nBest[1].Score(options.LengthPenalty) : double.MaxValue;

    private static string Greedy(float[] logits, int classes, ISymbolCodec symbols) => SpeechRecogniser.Text(CtcDecoder.Greedy(logits, classes), symbols);

    private static double Difference(float[] left, float[] right) => left.Length == right.Length
        ? left.Zip(right, (one, other) => Math.Abs((double)one - other)).DefaultIfEmpty(0).Max()
        : double.PositiveInfinity;

    private static IEnumerable<(int SampleId, float[] Logits)> Frames(InferenceSession session, CtcNetwork network, IBatchSource source)
    {
        using var options = new RunOptions();
        foreach (var batch in source.Epoch(0))
        {
            using var owned = batch;
            var frames = batch.Lengths[Batch.DefaultInput].data<long>().ToArray();
            using var features = OrtValue.CreateTensorValueFromMemory(batch.Input.data<float>().ToArray(), batch.Input.shape);
            using var lengths = OrtValue.CreateTensorValueFromMemory(frames, [batch.Count]);
            using var results = session.Run(options, [TranscriberFile.Features, TranscriberFile.Lengths], [features, lengths], [TranscriberFile.Logits]);
            foreach (var own in SpeechRecogniser.Cut(results[0].GetTensorDataAsSpan<float>().ToArray(), batch, frames, network))
            {
                yield return own;
            }
        }
    }
}
