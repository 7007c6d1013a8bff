using DistillSharp.Config;
using DistillSharp.Data;
using DistillSharp.Sequences;
using DistillSharp.Speech.Models;

namespace DistillSharp.Speech.Recognition;

/// <summary>Symbols as tokens of a decoder: three marks, then the labels of a codec.</summary>
internal static class SpeechTokens
{
    private const int Marks = 3;

    /// <summary>The tokens of a codec's symbols.</summary>
    public static SequenceInfo Of(ISymbolCodec symbols) =>
        new(symbols.Symbols.Count + Marks, 0, 1, 2, FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', symbols.Symbols))));

    /// <summary>The token of a label, from 1 on.</summary>
    public static int OfLabel(int label) => label + Marks - 1;

    /// <summary>The text of tokens; marks are left out.</summary>
    public static string Text(IEnumerable<int> tokens, ISymbolCodec symbols) => symbols.Text(tokens.Select(token => token - Marks + 1));
}

/// <summary>Runs a network that writes over utterances.</summary>
internal static class AttentionRecogniser
{
    // An utterance has hardly more symbols than frames.
    private const int ExtraLength = 10;

    /// <summary>The texts of every utterance of a source from the best on, in the order of their numbers.</summary>
    /// <param name="network">The network; its mode is restored.</param>
    /// <param name="source">The utterances.</param>
    /// <param name="symbols">What tokens stand for.</param>
    /// <param name="options">How to search.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static List<string[]> Hear(SpeechTransformer network, IBatchSource source, ISymbolCodec symbols, DecodingOptions options, CancellationToken cancellation = default)
    {
        var training = network.training;
        network.eval();
        try
        {
            var heard = new List<(long Id, string[] Texts)>(source.SampleCount);
            foreach (var batch in source.Epoch(0, 0, cancellation))
            {
                using var owned = batch;
                List<int> longest = [.. batch.Lengths[Batch.DefaultInput].data<long>().ToArray().Select(frames => network.OutputFrames((int)frames) + ExtraLength)];
                using var model = network.OpenSteps(batch, options.Beam);
                var outputs = options.Beam == 1
                    ? [.. GreedySearch.Run(model, network.Sequence.Begin, network.Sequence.End, longest).Select(output => (IReadOnlyList<Hypothesis>)[output])]
                    : BeamSearch.Run(model, network.Sequence.Begin, network.Sequence.End, longest, options);
                heard.AddRange(outputs.Select((nBest, row) => (batch.SampleIds[row], nBest.Select(output => SpeechTokens.Text(output.Tokens, symbols)).ToArray())));
            }

            return [.. heard.OrderBy(each => each.Id).Select(each => each.Texts)];
        }
        finally
        {
            network.train(training);
        }
    }
}
