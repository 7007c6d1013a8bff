using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Models;
using static TorchSharp.torch;

namespace DistillSharp.Speech.Recognition;

/// <summary>What a network heard in one utterance.</summary>
/// <param name="SampleId">The utterance's number.</param>
/// <param name="Symbols">Symbols of greedy search with their frames.</param>
/// <param name="NBest">Texts of prefix beam search, best first; empty where it was not asked for.</param>
internal sealed record Heard(int SampleId, IReadOnlyList<CtcSymbol> Symbols, IReadOnlyList<string> NBest);

/// <summary>Runs a network over utterances and decodes its frames.</summary>
internal static class SpeechRecogniser
{
    /// <summary>What the network hears in every utterance of a source, in the order of their numbers.</summary>
    /// <param name="network">The network; its mode is restored.</param>
    /// <param name="source">The utterances.</param>
    /// <param name="alphabet">Their characters.</param>
    /// <param name="beam">Width of the beam search; 1 for greedy search alone.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static List<Heard> Hear(CtcGru network, IBatchSource source, SymbolAlphabet alphabet, int beam, CancellationToken cancellation = default)
    {
        var training = network.training;
        network.eval();
        try
        {
            using var noGradient = inference_mode();
            var heard = new List<Heard>(source.SampleCount);
            foreach (var batch in source.Epoch(0, 0, cancellation))
            {
                using var scope = NewDisposeScope();
                using var owned = batch;
                var logits = network.Logits(batch).to(ScalarType.Float32).cpu().contiguous();
                var (values, stride, classes) = (logits.data<float>().ToArray(), (int)(logits.shape[1] * logits.shape[2]), (int)logits.shape[2]);
                var frames = batch.Lengths[Batch.DefaultInput].data<long>().ToArray();
                for (var row = 0; row < batch.Count; row++)
                {
                    var own = values.AsMemory(row * stride, network.OutputFrames((int)frames[row]) * classes);
                    heard.Add(new Heard(
                        (int)batch.SampleIds[row], CtcDecoder.Greedy(own.Span, classes),
                        beam > 1 ? [.. CtcDecoder.Beam(own.Span, classes, beam).Select(entry => SpacesTrimmed(alphabet.Decode(entry.Labels)))] : []));
                }
            }

            return [.. heard.OrderBy(each => each.SampleId)];
        }
        finally
        {
            network.train(training);
        }
    }

    /// <summary>The text of symbols, words separated by one space.</summary>
    public static string Text(IEnumerable<CtcSymbol> symbols, SymbolAlphabet alphabet) => SpacesTrimmed(alphabet.Decode(symbols.Select(symbol => symbol.Label)));

    private static string SpacesTrimmed(string text) => string.Join(' ', ErrorRates.SplitWords(text));
}
