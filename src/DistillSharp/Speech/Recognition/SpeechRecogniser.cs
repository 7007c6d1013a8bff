using DistillSharp.Data;
using DistillSharp.Models;
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
    /// <summary>The texts that a network of any kind gives every utterance of a source, from the best on, in the order of their numbers; of greedy search one.</summary>
    /// <param name="network">The network; its mode is restored.</param>
    /// <param name="source">The utterances.</param>
    /// <param name="symbols">What labels or tokens stand for.</param>
    /// <param name="options">How to search.</param>
    /// <param name="cancellation">Stops between batches.</param>
    /// <exception cref="NotSupportedException">It is no network of speech.</exception>
    public static List<string[]> Texts(Network network, IBatchSource source, ISymbolCodec symbols, DecodingOptions options, CancellationToken cancellation = default) => network is SpeechTransformer writer
        ? AttentionRecogniser.Hear(writer, source, symbols, options, cancellation)
        : [.. Hear(AsCtc(network), source, symbols, options.Beam, cancellation).Select(each => each.NBest.Count > 0 ? each.NBest.ToArray() : [Text(each.Symbols, symbols)])];

    /// <summary>A network that gives logits frame by frame.</summary>
    /// <exception cref="NotSupportedException">It is none.</exception>
    public static CtcNetwork AsCtc(Network network) => network as CtcNetwork ?? throw new NotSupportedException($"{network.GetName()} does not recognise speech; use a model such as `ctc_gru`");

    /// <summary>What the network hears in every utterance of a source, in the order of their numbers.</summary>
    /// <param name="network">The network; its mode is restored.</param>
    /// <param name="source">The utterances.</param>
    /// <param name="symbols">What labels stand for.</param>
    /// <param name="beam">Width of the beam search; 1 for greedy search alone.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static List<Heard> Hear(CtcNetwork network, IBatchSource source, ISymbolCodec symbols, int beam, CancellationToken cancellation = default)
    {
        var classes = network.Sound.Classes;
        return
        [
            .. Frames(network, source, cancellation).Select(each => new Heard(
                each.SampleId, CtcDecoder.Greedy(each.Logits, classes),
                beam > 1 ? [.. CtcDecoder.Beam(each.Logits, classes, beam).Select(entry => symbols.Text(entry.Labels))] : [])).OrderBy(each => each.SampleId),
        ];
    }

    /// <summary>The logits [frames × classes] of every utterance's valid frames, in the order of the source.</summary>
    /// <param name="network">The network; its mode is restored.</param>
    /// <param name="source">The utterances.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static IEnumerable<(int SampleId, float[] Logits)> Frames(CtcNetwork network, IBatchSource source, CancellationToken cancellation = default)
    {
        var training = network.training;
        network.eval();
        try
        {
            foreach (var batch in source.Epoch(0, 0, cancellation))
            {
                using var owned = batch;
                foreach (var own in Read(network, batch))
                {
                    yield return own;
                }
            }
        }
        finally
        {
            network.train(training);
        }
    }

    /// <summary>The valid frames of each row of logits [N, T, classes].</summary>
    internal static IEnumerable<(int SampleId, float[] Logits)> Cut(float[] logits, Batch batch, long[] frames, CtcNetwork network)
    {
        var stride = logits.Length / batch.Count;
        return Enumerable.Range(0, batch.Count).Select(row => ((int)batch.SampleIds[row], logits.AsSpan(row * stride, network.OutputFrames((int)frames[row]) * network.Sound.Classes).ToArray()));
    }

    /// <summary>The text of symbols.</summary>
    public static string Text(IEnumerable<CtcSymbol> found, ISymbolCodec symbols) => symbols.Text(found.Select(symbol => symbol.Label));

    // No scope stays open between two results.
    private static List<(int SampleId, float[] Logits)> Read(CtcNetwork network, Batch batch)
    {
        using var noGradient = inference_mode();
        using var scope = NewDisposeScope();
        var logits = network.Logits(batch).to(ScalarType.Float32).cpu().contiguous();
        return [.. Cut(logits.data<float>().ToArray(), batch, batch.Lengths[Batch.DefaultInput].data<long>().ToArray(), network)];
    }
}
