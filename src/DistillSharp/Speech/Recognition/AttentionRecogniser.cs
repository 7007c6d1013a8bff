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
    public static SequenceInfo Of(IReadOnlyList<string> symbols) =>
        new(symbols.Count + Marks, 0, 1, 2, FileHash.Sha256(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', symbols))));

    /// <summary>The token of a label, from 1 on.</summary>
    public static int OfLabel(int label) => label + Marks - 1;

    /// <summary>The text of tokens; marks are left out.</summary>
    public static string Text(IEnumerable<int> tokens, IReadOnlyList<string> symbols) => SymbolCodecExtensions.Text(symbols, tokens.Select(token => token - Marks + 1));
}

/// <summary>Runs a network that writes over utterances.</summary>
internal static class AttentionRecogniser
{
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
            return [.. Write(network.Sequence, network.OutputFrames, batch => network.OpenSteps(batch, options.Beam), source, options, cancellation)
                .Select(nBest => nBest.Select(output => SpeechTokens.Text(output.Tokens, symbols.Symbols)).ToArray())];
        }
        finally
        {
            network.train(training);
        }
    }

    /// <summary>What any engine writes about every utterance of a source, from the best on, in the order of their numbers.</summary>
    public static List<IReadOnlyList<Hypothesis>> Write(
        SequenceInfo tokens, Func<int, int> outputFrames, Func<Batch, IStepModel> open, IBatchSource source, DecodingOptions options, CancellationToken cancellation = default)
    {
        var written = new List<(long Id, IReadOnlyList<Hypothesis> NBest)>(source.SampleCount);
        foreach (var batch in source.Epoch(0, 0, cancellation))
        {
            using var owned = batch;
            using var model = open(batch);
            written.AddRange(batch.SampleIds.Zip(Search(model, tokens, [.. batch.Lengths[Batch.DefaultInput].data<long>().ToArray().Select(frames => outputFrames((int)frames))], options)));
        }

        return [.. written.OrderBy(each => each.Id).Select(each => each.NBest)];
    }

    /// <summary>What a model that was opened for utterances of so many output frames writes about each.</summary>
    public static IReadOnlyList<IReadOnlyList<Hypothesis>> Search(IStepModel model, SequenceInfo tokens, IReadOnlyList<int> frames, DecodingOptions options)
    {
        // An utterance has hardly more symbols than frames.
        var lengths = options with { LengthFactor = 1 };
        return SequenceDecoder.Search(model, tokens, [.. frames.Select(lengths.LongestFor)], options);
    }
}
